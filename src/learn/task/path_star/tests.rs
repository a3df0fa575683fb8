use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::learn::walk::{Outcome, Walk};

fn star(degree: u32, path_length: u32, extra: u32, seed: u64) -> PathStar {
    let nodes = 1 + degree * (path_length - 1) + extra;
    PathStar {
        degree,
        path_length,
        nodes,
        train: 40,
        test: 20,
        validation: 10,
        seed,
        ..PathStar::default()
    }
}

/// The tasks there are: every combination of the variants.
fn tasks() -> impl Strategy<Value = PathStar> {
    let edges = [Edges::Shuffled, Edges::ByArm, Edges::ByArmBackward];
    let direction = [Direction::Forward, Direction::Backward, Direction::Mixed];
    let written = (
        proptest::sample::select(edges.to_vec()),
        proptest::sample::select(direction.to_vec()),
        proptest::sample::select(vec![Question::After, Question::Before]),
    );
    let asked = (
        proptest::sample::select(vec![Query::StartGoal, Query::AnyTarget]),
        proptest::sample::select(vec![Labels::Fresh, Labels::Fresh, Labels::Fixed]),
        0u32..4,
    );
    let size = (2u32..6, 3u32..6, 2u32..20, any::<u64>());
    (size, written, asked).prop_map(
        |(size, (edges, direction, question), (query, labels, spread))| {
            let (degree, path_length, extra, seed) = size;
            let task = match labels {
                Labels::Fresh => star(degree, path_length, extra, seed),
                // Few questions exist; at most half of them can be asked.
                Labels::Fixed => PathStar {
                    train: 1,
                    test: 1,
                    validation: 0,
                    ..star(degree + 4, path_length, extra, seed)
                },
            };
            let most = if labels == Labels::Fixed {
                0
            } else {
                path_length - 2
            };
            PathStar {
                edges,
                direction,
                question,
                query,
                labels,
                spread: spread.min(most),
                ..task
            }
        },
    )
}

/// Every arm of a star, from the start to its end, by the order of its first edge, and the goal; read from a prefix.
fn arms(task: &PathStar, prefix: &[u32]) -> (Vec<Vec<u32>>, u32) {
    let count = (task.degree * (task.path_length - 1)) as usize;
    let (edges, question) = match task.question {
        Question::After => (&prefix[..3 * count], &prefix[3 * count - 1..]),
        Question::Before => (&prefix[3..], &prefix[..3]),
    };
    let [slash, equals, bar] = [task.nodes + 2, task.nodes + 1, task.nodes];
    let (start, goal) = match task.question {
        Question::After => {
            assert_eq!([question[0], question[3]], [slash, equals]);
            (question[1], question[2])
        }
        Question::Before => {
            assert_eq!([question[2], *prefix.last().unwrap()], [slash, equals]);
            (question[0], question[1])
        }
    };
    for edge in edges.chunks(3).take(count - 1) {
        assert_eq!(edge[2], bar);
    }
    let mut edges: Vec<[u32; 2]> = edges.chunks(3).map(|e| [e[0], e[1]]).collect();
    if task.direction == Direction::Backward {
        edges.iter_mut().for_each(|edge| edge.reverse());
    }
    let mut arms = Vec::new();
    while let Some(place) = edges.iter().position(|edge| edge.contains(&start)) {
        let mut arm = vec![start];
        let mut next = Some(place);
        while let Some(place) = next {
            let [a, b] = edges.remove(place);
            let here = *arm.last().unwrap();
            if task.direction != Direction::Mixed {
                assert_eq!(a, here, "edges lead away from the start");
            }
            arm.push(if a == here { b } else { a });
            let here = *arm.last().unwrap();
            next = edges.iter().position(|edge| edge.contains(&here));
        }
        arms.push(arm);
    }
    assert!(edges.is_empty(), "all edges belong to arms");
    (arms, goal)
}

/// Checks an example against its definition.
fn check(task: &PathStar, prefix: &[u32], target: &[u32]) {
    let (arms, goal) = arms(task, prefix);
    assert_eq!(arms.len(), task.degree as usize);
    let nodes: HashSet<u32> = arms.iter().flatten().copied().collect();
    assert_eq!(
        nodes.len(),
        (1 + task.degree * (task.path_length - 1)) as usize
    );
    assert!(nodes.iter().all(|&node| node < task.nodes));
    for arm in &arms {
        assert!(arm.len().abs_diff(task.path_length as usize) <= task.spread as usize);
    }
    let start = arms[0][0];
    let mut expected = arms.iter().find(|arm| arm.contains(&goal)).unwrap().clone();
    assert_ne!(goal, start);
    match task.query {
        Query::StartGoal => assert_eq!(expected.last(), Some(&goal)),
        Query::AnyTarget => {
            let end = expected.iter().position(|&node| node == goal).unwrap();
            expected.truncate(end + 1);
        }
    }
    expected.resize((task.path_length + task.spread) as usize, task.nodes + 3);
    assert_eq!(target, expected);
    // Arm after arm, as their first edges come, or last ones.
    let graph = task.graph(prefix).unwrap();
    assert_eq!((graph.start, graph.goal), (start, goal));
    let along = arms
        .iter()
        .map(|arm| arm.windows(2).map(|step| [step[0], step[1]]));
    let along: Vec<[u32; 2]> = match task.edges {
        Edges::Shuffled => {
            let mut along: Vec<_> = along.flatten().collect();
            along.sort_by_key(|edge| graph.edges.iter().position(|other| other == edge));
            along
        }
        Edges::ByArm => along.flatten().collect(),
        Edges::ByArmBackward => along.flat_map(Iterator::rev).collect(),
    };
    assert_eq!(graph.edges, along);
    let walk = Walk::of(&graph, target, target, task.nodes + 3);
    assert_eq!((walk.outcome, walk.lost_at), (Outcome::Right, None));
}

/// What makes a question: the edges away from the start, and the goal.
fn question(task: &PathStar, prefix: &[u32]) -> (Vec<[u32; 2]>, u32) {
    let (arms, goal) = arms(task, prefix);
    let edges = arms
        .iter()
        .flat_map(|arm| arm.windows(2).map(|step| [step[0], step[1]]));
    let mut edges: Vec<_> = edges.collect();
    edges.sort_unstable();
    (edges, goal)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_example_is_a_star_of_its_kind_whose_target_is_the_path_to_its_goal(task in tasks()) {
        let dataset = task.generate(&|| false).unwrap();
        let count = dataset.splits().map(|(_, split)| split.len() as u64);
        prop_assert_eq!(count, [task.train, task.test, task.validation]);
        let mut seen = HashSet::new();
        for (prefix, target) in dataset.splits().iter().flat_map(|(_, split)| split.iter()) {
            check(&task, prefix, target);
            let text = task.render(prefix, target);
            prop_assert_eq!(task.parse(&text).unwrap(), (prefix.to_vec(), target.to_vec()));
            prop_assert!(seen.insert(question(&task, prefix)), "asked twice: {}", text);
        }
        for (prefix, target) in dataset.fresh(1).unwrap().iter() {
            check(&task, prefix, target);
            let asked = question(&task, prefix);
            let mut kept = dataset.test.iter().chain(dataset.validation.iter());
            prop_assert!(kept.all(|(prefix, _)| question(&task, prefix) != asked));
        }
    }
}

/// A task of each variant.
fn variants() -> Vec<(&'static str, PathStar)> {
    let plain = PathStar {
        train: 2,
        test: 1,
        validation: 0,
        ..star(2, 4, 9, 0)
    };
    vec![
        (
            "by arm",
            PathStar {
                edges: Edges::ByArm,
                ..plain.clone()
            },
        ),
        (
            "by arm, backward",
            PathStar {
                edges: Edges::ByArmBackward,
                ..plain.clone()
            },
        ),
        (
            "backward",
            PathStar {
                direction: Direction::Backward,
                ..plain.clone()
            },
        ),
        (
            "mixed",
            PathStar {
                direction: Direction::Mixed,
                ..plain.clone()
            },
        ),
        (
            "before",
            PathStar {
                question: Question::Before,
                ..plain.clone()
            },
        ),
        (
            "any target",
            PathStar {
                query: Query::AnyTarget,
                ..plain.clone()
            },
        ),
        (
            "spread",
            PathStar {
                spread: 2,
                ..plain.clone()
            },
        ),
        (
            "fixed",
            PathStar {
                labels: Labels::Fixed,
                degree: 6,
                nodes: 30,
                ..plain
            },
        ),
    ]
}

#[test]
fn every_variant_stays_what_it_was() {
    let mut text = String::new();
    for (name, task) in variants() {
        let dataset = task.generate(&|| false).unwrap();
        text.push_str(&format!("{name}\n{}", dataset.sample()));
    }
    insta::assert_snapshot!(text, @"
    by arm
    # train, 2 examples
    4,3|3,5|5,11|4,0|0,15|15,12/4,11=4,3,5,11
    6,11|11,12|12,5|6,4|4,9|9,1/6,5=6,11,12,5
    # test, 1 examples
    6,14|14,10|10,3|6,15|15,5|5,12/6,12=6,15,5,12
    # validation, 0 examples
    by arm, backward
    # train, 2 examples
    5,11|3,5|4,3|15,12|0,15|4,0/4,11=4,3,5,11
    12,5|11,12|6,11|9,1|4,9|6,4/6,5=6,11,12,5
    # test, 1 examples
    10,3|14,10|6,14|5,12|15,5|6,15/6,12=6,15,5,12
    # validation, 0 examples
    backward
    # train, 2 examples
    11,5|0,4|12,15|3,4|5,3|15,0/4,11=4,3,5,11
    11,10|1,11|9,15|0,1|8,10|15,8/10,0=10,11,1,0
    # test, 1 examples
    14,6|3,10|10,14|15,6|5,15|12,5/6,12=6,15,5,12
    # validation, 0 examples
    mixed
    # train, 2 examples
    11,5|0,4|12,15|3,4|3,5|15,0/4,11=4,3,5,11
    3,15|11,5|15,11|12,2|2,5|12,1/5,1=5,2,12,1
    # test, 1 examples
    14,6|3,10|10,14|15,6|15,5|5,12/6,12=6,15,5,12
    # validation, 0 examples
    before
    # train, 2 examples
    4,11/5,11|4,0|15,12|4,3|3,5|0,15=4,3,5,11
    10,0/10,11|11,1|15,9|1,0|10,8|8,15=10,11,1,0
    # test, 1 examples
    6,12/6,14|10,3|14,10|6,15|15,5|5,12=6,15,5,12
    # validation, 0 examples
    any target
    # train, 2 examples
    5,11|4,0|15,12|4,3|3,5|0,15/4,5=4,3,5,$
    10,11|11,1|15,9|1,0|10,8|8,15/10,11=10,11,$,$
    # test, 1 examples
    6,14|10,3|14,10|6,15|15,5|5,12/6,12=6,15,5,12
    # validation, 0 examples
    spread
    # train, 2 examples
    11,0|0,15|4,3|15,12|3,5|4,11/4,12=4,11,0,15,12,$
    10,1|3,7|11,10|1,8|11,3|8,15/11,7=11,3,7,$,$,$
    # test, 1 examples
    6,15|6,12|12,14|14,10|10,3|15,5/6,5=6,15,5,$,$,$
    # validation, 0 examples
    fixed
    # train, 2 examples
    27,3|2,27|20,24|2,8|4,22|2,10|11,16|8,23|23,17|26,14|2,6|2,15|3,29|6,11|2,20|10,26|15,4|24,7/2,22=2,15,4,22
    6,11|20,24|26,14|23,17|2,10|4,22|11,16|2,15|2,20|15,4|8,23|27,3|2,8|3,29|10,26|2,6|24,7|2,27/2,17=2,8,23,17
    # test, 1 examples
    26,14|2,20|20,24|2,8|10,26|2,27|11,16|2,10|24,7|8,23|4,22|15,4|3,29|27,3|6,11|2,6|2,15|23,17/2,29=2,27,3,29
    # validation, 0 examples
    ");
}

#[test]
fn a_task_without_variants_is_written_as_it_was_before_there_were_any() {
    let text = serde_json::to_string(&star(2, 4, 9, 0)).unwrap();
    assert_eq!(
        text,
        r#"{"degree":2,"path_length":4,"nodes":16,"train":40,"test":20,"validation":10,"seed":0}"#
    );
    for (_, task) in variants() {
        let text = serde_json::to_string(&task).unwrap();
        assert_eq!(serde_json::from_str::<PathStar>(&text).unwrap(), task);
    }
}

#[test]
fn all_that_may_be_drawn_is_drawn() {
    let plain = PathStar {
        train: 300,
        ..star(3, 4, 20, 1)
    };
    let examples = |task: &PathStar| task.generate(&|| false).unwrap().train;
    let any = PathStar {
        query: Query::AnyTarget,
        ..plain.clone()
    };
    let lengths: Vec<usize> = examples(&any)
        .iter()
        .map(|(_, target)| target.iter().filter(|&&token| token < any.nodes).count())
        .collect();
    for length in 2..=4 {
        let share = lengths.iter().filter(|&&l| l == length).count() as f64 / 300.0;
        assert!((share - 1.0 / 3.0).abs() < 0.1, "{length}: {share}");
    }
    let spread = PathStar {
        spread: 2,
        ..plain.clone()
    };
    let mut lengths = [0_u32; 7];
    for (prefix, _) in examples(&spread).iter() {
        for arm in arms(&spread, prefix).0 {
            lengths[arm.len()] += 1;
        }
    }
    // Two of the arms go as a pair, each length of which is equally likely; the third stays.
    for (count, expected) in lengths[2..].iter().zip([120, 120, 420, 120, 120]) {
        assert!(count.abs_diff(expected) < 35, "{lengths:?}");
    }
    let mixed = PathStar {
        direction: Direction::Mixed,
        ..plain
    };
    let train = examples(&mixed);
    let turned = train.iter().filter(|(prefix, _)| {
        let graph = mixed.graph(prefix).unwrap();
        graph.edges[0] != [prefix[0], prefix[1]]
    });
    let share = turned.count() as f64 / 300.0;
    assert!((share - 0.5).abs() < 0.1, "{share}");
    let fixed = PathStar {
        edges: Edges::ByArm,
        labels: Labels::Fixed,
        degree: 6,
        nodes: 30,
        train: 2,
        test: 1,
        validation: 0,
        ..star(6, 4, 9, 0)
    };
    let dataset = fixed.generate(&|| false).unwrap();
    let mut first = HashSet::new();
    for epoch in 0..60 {
        let drawn = dataset.fresh(epoch).unwrap();
        first.extend(drawn.iter().map(|(prefix, _)| prefix[1]));
    }
    assert_eq!(first.len(), 6, "every arm comes first now and then");
}

#[test]
fn as_many_questions_exist_as_are_counted() {
    let small = PathStar {
        degree: 2,
        path_length: 3,
        nodes: 5,
        train: 30,
        test: 10,
        seed: 0,
        ..PathStar::default()
    };
    let any = PathStar {
        query: Query::AnyTarget,
        ..small.clone()
    };
    let mixed = PathStar {
        direction: Direction::Mixed,
        ..small.clone()
    };
    let fixed = PathStar {
        labels: Labels::Fixed,
        degree: 6,
        nodes: 20,
        train: 2,
        test: 1,
        ..small.clone()
    };
    let all = PathStar {
        query: Query::AnyTarget,
        ..fixed.clone()
    };
    for (task, count) in [
        (small, 120),
        (any, 240),
        (mixed, 120),
        (fixed, 6),
        (all, 12),
    ] {
        assert_eq!(task.questions(), f64::from(count));
        let mut found = HashSet::new();
        for epoch in 0..100 {
            let none = Examples::new(
                task.shape().prefix_length,
                task.shape().target_length,
                Vec::new(),
            );
            let drawn = task
                .fresh(epoch, task.train as usize, &[&none.unwrap()])
                .unwrap();
            found.extend(drawn.iter().map(|(prefix, _)| question(&task, prefix)));
        }
        assert_eq!(found.len(), count as usize);
        let greedy = PathStar {
            train: u64::from(count as u32),
            ..task
        };
        let why = &greedy.problems()[0].1;
        assert!(
            why.contains(&format!("only {count} different questions")),
            "{why}"
        );
    }
}

#[test]
fn a_spread_that_no_arms_can_have_is_refused() {
    let plain = star(2, 4, 9, 0);
    for (task, why) in [
        (
            PathStar {
                spread: 3,
                ..plain.clone()
            },
            "a spread of at most 2",
        ),
        (
            PathStar {
                spread: u32::MAX,
                ..plain.clone()
            },
            "a spread of at most 2",
        ),
        (
            PathStar {
                spread: 1,
                degree: 1,
                ..plain.clone()
            },
            "a degree of at least 2",
        ),
        (
            PathStar {
                spread: 1,
                labels: Labels::Fixed,
                ..plain
            },
            "fixed labels",
        ),
    ] {
        let problems = task.problems();
        assert_eq!(problems[0].0, "spread");
        assert!(problems[0].1.contains(why), "{problems:?}");
        let _ = task.shape();
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let plain = PathStar {
        train: 9000,
        test: 500,
        validation: 300,
        ..star(2, 4, 9, 3)
    };
    let variant = PathStar {
        edges: Edges::ByArmBackward,
        direction: Direction::Mixed,
        query: Query::AnyTarget,
        spread: 2,
        ..plain.clone()
    };
    let with = |task: &PathStar, threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| task.generate(&|| false).unwrap())
    };
    for task in [plain, variant] {
        assert_eq!(with(&task, 1), with(&task, 3));
    }
}

#[test]
fn a_small_world_is_drawn_without_repeats() {
    // 4!/1 × … : G(1,3) with 4 values has 24 questions; 12 are asked.
    let task = PathStar {
        degree: 1,
        path_length: 3,
        nodes: 4,
        train: 8,
        test: 4,
        seed: 0,
        ..PathStar::default()
    };
    let dataset = task.generate(&|| false).unwrap();
    let questions: HashSet<_> = dataset
        .train
        .iter()
        .chain(dataset.test.iter())
        .map(|(_, t)| t.to_vec())
        .collect();
    assert_eq!(questions.len(), 12);
}

#[test]
fn the_notation_is_that_of_the_paper() {
    let task = PathStar {
        degree: 2,
        path_length: 5,
        nodes: 50,
        train: 1,
        test: 1,
        seed: 0,
        ..PathStar::default()
    };
    let text = "32,3|16,12|3,19|32,34|34,6|6,16|19,47|47,28/32,12=32,34,6,16,12";
    let (prefix, target) = task.parse(text).unwrap();
    assert_eq!(prefix.len(), 27);
    assert_eq!(target, [32, 34, 6, 16, 12]);
    assert_eq!(prefix[..6], [32, 3, 50, 16, 12, 50]);
    assert_eq!(prefix[23..], [52, 32, 12, 51]);
    assert_eq!(task.render(&prefix, &target), text);
    assert!(task.parse("32,3|16,12").is_err());
    assert!(task.parse("1,99/1,2=1,2").is_err());
    check(&task, &prefix, &target);
}

#[test]
fn the_text_of_an_example_stays_what_it_was() {
    let dataset = PathStar {
        train: 2,
        test: 1,
        validation: 1,
        ..star(2, 4, 9, 0)
    }
    .generate(&|| false)
    .unwrap();
    insta::assert_snapshot!(dataset.sample(), @"
    # train, 2 examples
    5,11|4,0|15,12|4,3|3,5|0,15/4,11=4,3,5,11
    10,11|11,1|15,9|1,0|10,8|8,15/10,0=10,11,1,0
    # test, 1 examples
    6,14|10,3|14,10|6,15|15,5|5,12/6,12=6,15,5,12
    # validation, 1 examples
    11,2|12,14|14,11|13,4|4,7|12,13/12,2=12,14,11,2
    ");
}

#[test]
fn impossible_parameters_are_named_with_their_numbers() {
    let task = PathStar {
        degree: 20,
        path_length: 5,
        nodes: 50,
        train: 1,
        test: 1,
        seed: 0,
        ..PathStar::default()
    };
    let problems = task.problems();
    assert_eq!(problems[0].0, "nodes");
    assert!(problems[0].1.contains("81"), "{}", problems[0].1);
    let task = PathStar {
        degree: 2,
        path_length: 2,
        nodes: 3,
        train: 100,
        test: 10,
        seed: 0,
        ..PathStar::default()
    };
    assert!(
        task.problems()[0].1.contains("only 6 different questions"),
        "{:?}",
        task.problems()
    );
    assert!(matches!(
        task.generate(&|| false),
        Err(Error::Parameters(_))
    ));
    for task in [
        PathStar {
            degree: 0,
            ..task.clone()
        },
        PathStar {
            path_length: 0,
            ..task.clone()
        },
    ] {
        assert!(!task.problems().is_empty());
        let _ = task.shape();
    }
    let task = PathStar {
        degree: 10_000,
        path_length: 10_000,
        nodes: 1_000_000,
        train: 1,
        test: 1,
        seed: 0,
        ..PathStar::default()
    };
    assert!(!task.problems().is_empty());
}

#[test]
fn fresh_examples_differ_from_epoch_to_epoch_and_from_what_is_kept_apart() {
    // G(1,3) with 4 values has 24 questions, 10 of them kept apart.
    let task = PathStar {
        degree: 1,
        path_length: 3,
        nodes: 4,
        train: 2,
        test: 6,
        validation: 4,
        seed: 0,
        ..PathStar::default()
    };
    let dataset = task.generate(&|| false).unwrap();
    let (one, two) = (dataset.fresh(1).unwrap(), dataset.fresh(2).unwrap());
    assert_eq!((one.len(), one.clone()), (2, dataset.fresh(1).unwrap()));
    assert_ne!(one, two);
    let kept = [&dataset.test, &dataset.validation];
    let many = task.fresh(3, 14, &kept).unwrap();
    let asked = kept.iter().flat_map(|split| split.iter());
    let asked: HashSet<_> = asked.map(|(_, target)| target).collect();
    assert!(many.iter().all(|(_, target)| !asked.contains(target)));
}

#[test]
fn how_many_examples_are_for_validation_changes_neither_training_nor_test() {
    let with = |validation| {
        let task = PathStar {
            validation,
            ..star(2, 4, 9, 7)
        };
        task.generate(&|| false).unwrap()
    };
    let (none, some, many) = (with(0), with(10), with(600));
    assert!(none.validation.is_empty());
    for other in [&some, &many] {
        assert_eq!((&other.train, &other.test), (&none.train, &none.test));
    }
    assert_eq!(some.validation, many.validation.first(10));
}

#[test]
fn too_few_questions_for_validation_are_said_with_the_numbers() {
    let task: PathStar =
        serde_json::from_str(r#"{"degree":2,"path_length":2,"nodes":9,"train":20,"test":10}"#)
            .unwrap();
    let said = task.problems().into_iter();
    let said: Vec<String> = said.map(|(name, why)| format!("{name}: {why}")).collect();
    insta::assert_snapshot!(said.join("\n"), @"validation: only 504 different questions exist for G(2,2), a graph of 2 arms with 2 nodes each, the start counted, and 9 node values; at most half of them can be drawn, 252, and you ask for 542: 20 to learn from, 10 to test with and 512 for validation; ask for fewer, or raise `nodes`");
}

#[test]
fn generating_stops_when_asked() {
    assert!(matches!(
        star(2, 4, 9, 0).generate(&|| true),
        Err(Error::Cancelled)
    ));
}
