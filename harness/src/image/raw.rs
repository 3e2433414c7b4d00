//! How many images there are: often more than any integer holds.

/// A count that stays exact as long as it can and keeps its magnitude beyond.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Raw {
    exact: Option<u128>,
    log10: f64,
}

impl Default for Raw {
    fn default() -> Self {
        Self { exact: Some(0), log10: f64::NEG_INFINITY }
    }
}

impl Raw {
    /// One.
    pub const ONE: Self = Self { exact: Some(1), log10: 0.0 };

    /// The number, if it fits.
    pub fn exact(self) -> Option<u128> {
        self.exact
    }

    /// Its decimal logarithm; minus infinity for none.
    pub fn log10(self) -> f64 {
        self.log10
    }

    /// So many times as many.
    #[must_use]
    pub fn times(self, factor: usize) -> Self {
        let exact = self.exact.and_then(|exact| exact.checked_mul(factor as u128));
        Self { exact, log10: self.log10 + (factor as f64).log10() }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let exact = self.exact.zip(other.exact).and_then(|(a, b)| a.checked_add(b));
        let (least, most) = (self.log10.min(other.log10), self.log10.max(other.log10));
        let log10 = match exact {
            Some(exact) => (exact as f64).log10(),
            // Adding 10^least to 10^most without leaving the logarithms.
            None => most + (1.0 + 10_f64.powf(least - most)).log10(),
        };
        Self { exact, log10 }
    }

    /// Which part of these so many are, from 0 to 1.
    pub fn share(self, of: u64) -> f64 {
        match self.exact {
            Some(0) => 1.0,
            _ => 10_f64.powf((of as f64).log10() - self.log10).min(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_exact_while_they_fit_and_keep_their_magnitude_beyond() {
        let small = Raw::ONE.times(6).times(7).plus(Raw::default());
        assert_eq!(small.exact(), Some(42));
        assert!((small.share(21) - 0.5).abs() < 1e-9);
        let huge = (0..400).fold(Raw::ONE, |raw, _| raw.times(10));
        assert_eq!(huge.exact(), None);
        assert!((huge.log10() - 400.0).abs() < 1e-6);
        let twice = huge.plus(huge);
        assert!((twice.log10() - 400.30103).abs() < 1e-4 && twice.share(10) < 1e-300);
        assert!((Raw::default().share(0) - 1.0).abs() < 1e-12);
    }
}
