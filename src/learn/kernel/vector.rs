//! The processor's vector units, chosen when the program runs.
//!
//! A plain build knows only the oldest instructions of its platform. What is hot is therefore compiled three times, for
//! AVX-512, for AVX2 with FMA, and for whatever the build assumes, and [`level`] picks once per process. The three give
//! the same bits: sums run in orders that do not depend on the width of a vector, and where one multiplies and adds with a
//! single rounding, all do.

/// The vector units that hot loops are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// What the build assumes.
    Portable,
    /// 8 numbers at once, with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 16 numbers at once.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// The best level of this processor.
#[inline]
pub(crate) fn level() -> Level {
    #[cfg(test)]
    if let Some(level) = tests::FORCED.get() {
        return level;
    }
    best()
}

#[inline]
fn best() -> Level {
    // Miri knows few of these instructions; there the portable code is what is checked.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        // The library asks the processor once and remembers.
        let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        if has_avx2
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
        {
            return Level::Avx512;
        }
        if has_avx2 {
            return Level::Avx2;
        }
    }
    Level::Portable
}

/// Compiles a function once for every [`Level`] and calls the one that fits.
///
/// The body must inline all it calls (`#[inline(always)]`, closures, loops), or that part stays portable.
macro_rules! vectorised {
    ($(#[$meta:meta])* $vis:vis fn $name:ident $(<$generic:ident: $bound:path>)? ($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$meta])*
        #[allow(unsafe_code, reason = "the processor has the features, or it is not called")]
        $vis fn $name $(<$generic: $bound>)? ($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments, reason = "as many as the function has")]
            fn portable $(<$generic: $bound>)? ($($argument: $type),*) $(-> $result)? $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            #[allow(clippy::too_many_arguments, reason = "as many as the function has")]
            fn avx2 $(<$generic: $bound>)? ($($argument: $type),*) $(-> $result)? {
                portable($($argument),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
            #[allow(clippy::too_many_arguments, reason = "as many as the function has")]
            fn avx512 $(<$generic: $bound>)? ($($argument: $type),*) $(-> $result)? {
                portable($($argument),*)
            }
            match $crate::learn::kernel::vector::level() {
                $crate::learn::kernel::vector::Level::Portable => portable($($argument),*),
                // SAFETY: `level` gives this only where the processor has the features.
                #[cfg(target_arch = "x86_64")]
                $crate::learn::kernel::vector::Level::Avx2 => unsafe { avx2($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::learn::kernel::vector::Level::Avx512 => unsafe { avx512($($argument),*) },
            }
        }
    };
}
pub(crate) use vectorised;

/// A vector of `f32`.
///
/// # Safety
/// Every function may be called only where the processor has the vector's instructions; pointers must be good for
/// [`Lanes::COUNT`] numbers, aligned or not.
pub(super) trait Lanes: Copy {
    /// How many numbers.
    const COUNT: usize;
    /// This number everywhere.
    unsafe fn splat(x: f32) -> Self;
    /// Reads.
    unsafe fn load(from: *const f32) -> Self;
    /// Writes.
    unsafe fn store(self, to: *mut f32);
    /// self · b + c, rounded once.
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self;
}

/// Eight numbers that the compiler may keep in whatever registers it has.
#[derive(Clone, Copy)]
pub(super) struct Plain([f32; 8]);

impl Lanes for Plain {
    const COUNT: usize = 8;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Self([x; 8])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's pointer is good for eight numbers.
        Self(unsafe { from.cast::<[f32; 8]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's pointer is good for eight numbers.
        unsafe { to.cast::<[f32; 8]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
        Self(std::array::from_fn(|lane| {
            self.0[lane].mul_add(b.0[lane], c.0[lane])
        }))
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Lanes;

    impl Lanes for __m256 {
        const COUNT: usize = 8;

        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            // SAFETY: the caller has AVX2.
            unsafe { _mm256_set1_ps(x) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: the caller has AVX2 and a pointer good for eight numbers.
            unsafe { _mm256_loadu_ps(from) }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: the caller has AVX2 and a pointer good for eight numbers.
            unsafe { _mm256_storeu_ps(to, self) }
        }

        #[inline(always)]
        unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
            // SAFETY: the caller has FMA.
            unsafe { _mm256_fmadd_ps(self, b, c) }
        }
    }

    impl Lanes for __m512 {
        const COUNT: usize = 16;

        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            // SAFETY: the caller has AVX-512.
            unsafe { _mm512_set1_ps(x) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: the caller has AVX-512 and a pointer good for sixteen numbers.
            unsafe { _mm512_loadu_ps(from) }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: the caller has AVX-512 and a pointer good for sixteen numbers.
            unsafe { _mm512_storeu_ps(to, self) }
        }

        #[inline(always)]
        unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
            // SAFETY: the caller has AVX-512.
            unsafe { _mm512_fmadd_ps(self, b, c) }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// The level that a test asks for on its own thread.
        pub(super) static FORCED: Cell<Option<Level>> = const { Cell::new(None) };
    }

    /// What something gives at every level that this processor has, the portable one first.
    pub(crate) fn at_every_level<R>(mut what: impl FnMut() -> R) -> Vec<R> {
        let mut levels = vec![Level::Portable];
        #[cfg(target_arch = "x86_64")]
        match best() {
            Level::Avx512 => levels.extend([Level::Avx2, Level::Avx512]),
            Level::Avx2 => levels.push(Level::Avx2),
            Level::Portable => {}
        }
        let results = levels.into_iter().map(|level| {
            FORCED.set(Some(level));
            let result = what();
            FORCED.set(None);
            result
        });
        results.collect()
    }
}
