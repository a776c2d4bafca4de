//! How long to wait before something is tried again: ever longer, up to a limit, and never for all at the same moment.

use core::time::Duration;

/// The pauses between looks or tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The first pause.
    pub first: Duration,
    /// No pause is longer, unless the first one is.
    pub longest: Duration,
    /// By how much a pause may be shorter or longer than its turn, as a part of it, in thousandths.
    pub jitter: u32,
}

impl Backoff {
    /// For a server: twice as long each time, up to five seconds.
    pub const fn from(first: Duration) -> Self {
        Self { first, longest: Duration::from_secs(5), jitter: 0 }
    }

    /// Always the same pause.
    pub const fn steady(pause: Duration) -> Self {
        Self { first: pause, longest: pause, jitter: 0 }
    }

    /// The same, spread by half a pause to both sides.
    #[must_use]
    pub const fn spread(self) -> Self {
        Self { jitter: 500, ..self }
    }

    /// The pause before the next try; `tries` counts those that were made, from 1. `chance` is between 0 and 1.
    pub fn pause(&self, tries: u32, chance: f64) -> Duration {
        let doubled = self.first.saturating_mul(2u32.saturating_pow(tries.saturating_sub(1).min(31)));
        let longest = self.longest.max(self.first);
        let spread = f64::from(self.jitter) / 1000.0;
        doubled.min(longest).mul_f64(1.0 - spread + 2.0 * spread * chance.clamp(0.0, 1.0)).min(longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_are_spread() {
        let plain = Backoff::from(Duration::from_millis(200));
        let pauses: Vec<u128> = (1..=7).map(|tries| plain.pause(tries, 0.0).as_millis()).collect();
        assert_eq!(pauses, [200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(plain.pause(u32::MAX, 1.0), Duration::from_secs(5));
        let spread = plain.spread();
        assert_eq!([0.0, 0.5, 1.0, 7.0].map(|chance| spread.pause(1, chance).as_millis()), [100, 200, 300, 300]);
        assert_eq!(spread.pause(9, 1.0), Duration::from_secs(5));
        assert_eq!(Backoff::steady(Duration::from_secs(9)).pause(5, 0.3), Duration::from_secs(9));
    }
}
