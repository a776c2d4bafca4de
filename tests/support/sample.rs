//! The big matrices: as a sample in every run of the tests, and whole where `SECFIX_TEST_FULL` is set.

use super::say;

/// `splitmix64`: small, and the same everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

/// Whether everything is tried.
pub(crate) fn is_full() -> bool {
    std::env::var_os("SECFIX_TEST_FULL").is_some_and(|value| !value.is_empty())
}

/// A few of them, the same ones each time and in their order, or all in a full run. Tells how many.
pub(crate) fn sample<T>(all: Vec<T>, few: usize, what: &str) -> Vec<T> {
    let count = all.len();
    // The same ones also where something is added to another matrix.
    let mut random = Random(what.bytes().fold(0x5ecf, |seed, byte| seed.rotate_left(5) ^ u64::from(byte)));
    let mut numbers: Vec<usize> = (0..count).collect();
    if !is_full() {
        while numbers.len() > few {
            numbers.remove(random.below(numbers.len()));
        }
    }
    say(&format!("counted: {} of {count} {what}", numbers.len()));
    let mut numbers = numbers.into_iter().peekable();
    all.into_iter()
        .enumerate()
        .filter(|(number, _)| numbers.next_if_eq(number).is_some())
        .map(|(_, thing)| thing)
        .collect()
}
