"""Path-star data in Python, after what the paper's released generator does: labels drawn until they are free, arms built
edge by edge, edges shuffled, the example written as text, and the text read token by token.

G(2, 5) with 50 node values: `32,3|16,12|…/32,12=32,34,6,16,12`, a prefix of 27 tokens and a target of 5.
"""

import random

import numpy as np

DEGREE, PATH_LENGTH, NODES = 2, 5, 50
PREFIX, TARGET = 3 * DEGREE * (PATH_LENGTH - 1) + 3, PATH_LENGTH
VOCABULARY = NODES + 4
TOKENS = {str(node): node for node in range(NODES)} | {"|": NODES, "=": NODES + 1, "/": NODES + 2, "$": NODES + 3}


def seed(value):
    np.random.seed(value)
    random.seed(value)


def graph():
    """The true path and the shuffled edges of one graph."""

    def free(taken):
        node = np.random.randint(0, NODES, 1)[0]
        while node in taken:
            node = np.random.randint(0, NODES, 1)[0]
        return node

    start = free(())
    goal = free((start,))
    path = [start]
    for _ in range(PATH_LENGTH - 2):
        path.append(free((*path, goal)))
    path.append(goal)
    edges = [[parent, child] for parent, child in zip(path, path[1:])]
    taken = set(path)
    for _ in range(DEGREE - 1):
        parent = start
        for _ in range(PATH_LENGTH - 1):
            child = free(taken)
            edges.append([parent, child])
            taken.add(child)
            parent = child
    random.shuffle(edges)
    return path, edges


def text(path, edges):
    graph = "|".join(f"{parent},{child}" for parent, child in edges)
    return f"{graph}/{path[0]},{path[-1]}=" + ",".join(map(str, path))


def tokenise(line):
    """Numbers are one token each, commas none, every other character one."""
    tokens, digits = [], ""
    for character in line:
        if character.isdigit():
            digits += character
            continue
        if digits:
            tokens.append(TOKENS[digits])
            digits = ""
        if character != ",":
            tokens.append(TOKENS[character])
    if digits:
        tokens.append(TOKENS[digits])
    return tokens


def examples(count):
    """Tokens of `count` examples: (count, prefix + target)."""
    return np.array([tokenise(text(*graph())) for _ in range(count)])
