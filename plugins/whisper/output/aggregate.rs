//! How several values become one, with the numbers that whisper's files have for it.

/// A way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aggregate {
    /// The average of what is known.
    Average = 1,
    /// The sum.
    Sum = 2,
    /// The last one.
    Last = 3,
    /// The largest.
    Max = 4,
    /// The smallest.
    Min = 5,
    /// The average, in which what is not known counts as 0.
    AverageZero = 6,
    /// The one that is farthest from 0.
    AbsoluteMax = 7,
    /// The one that is nearest to 0.
    AbsoluteMin = 8,
}

impl Aggregate {
    /// The way that a file's number stands for.
    pub(super) fn of(number: u32) -> Option<Aggregate> {
        use Aggregate::{AbsoluteMax, AbsoluteMin, Average, AverageZero, Last, Max, Min, Sum};
        let ways = [Average, Sum, Last, Max, Min, AverageZero, AbsoluteMax, AbsoluteMin];
        ways.into_iter().find(|way| *way as u32 == number)
    }

    /// Makes one value of those that are `known`, of `all` that there could be. `None`: there are none.
    pub(super) fn of_values(self, known: &[f64], all: usize) -> Option<f64> {
        let (&first, &last) = (known.first()?, known.last()?);
        let best = |is_better: fn(f64, f64) -> bool| {
            known.iter().fold(first, |best, &value| if is_better(value, best) { value } else { best })
        };
        let sum = known.iter().fold(0.0, |sum, value| sum + value);
        #[expect(clippy::cast_precision_loss, reason = "a file has fewer points than that")]
        let average = |count: usize| sum / count as f64;
        Some(match self {
            Aggregate::Average => average(known.len()),
            Aggregate::Sum => sum,
            Aggregate::Last => last,
            Aggregate::Max => best(|a, b| a > b),
            Aggregate::Min => best(|a, b| a < b),
            Aggregate::AverageZero => average(all),
            Aggregate::AbsoluteMax => best(|a, b| a.abs() > b.abs()),
            Aggregate::AbsoluteMin => best(|a, b| a.abs() < b.abs()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_values_become_one() {
        let known = [3.0, -8.0, 4.0, 2.0];
        let made: Vec<f64> = (1..=8)
            .map(|number| Aggregate::of(number).and_then(|way| way.of_values(&known, 8)).unwrap())
            .collect();
        assert_eq!(made, [0.25, 1.0, 2.0, 4.0, -8.0, 0.125, -8.0, 2.0]);
        assert_eq!((Aggregate::of(0), Aggregate::of(9)), (None, None));
        assert_eq!(Aggregate::Sum.of_values(&[], 5), None);
    }
}
