//! Symbols, and the distances between them. A word has symbols from 0, the highest values, to one below its
//! cardinality, the lowest; the cardinality itself is a frame without values, `#` as a letter.

/// Letters of the largest alphabet.
pub(super) const LARGEST_CARDINALITY: usize = 16;

/// For each cardinality from 2, those quantiles of the normal distribution above 0 that part it into equal shares.
const QUANTILES: [&[f64]; LARGEST_CARDINALITY - 1] = [
    &[],
    &[0.4307273],
    &[0.6744898],
    &[0.2533471, 0.8416212],
    &[0.4307273, 0.9674216],
    &[0.1800124, 0.5659488, 1.0675705],
    &[0.3186394, 0.6744898, 1.1503494],
    &[0.1397103, 0.4307273, 0.7647097, 1.2206403],
    &[0.2533471, 0.5244005, 0.8416212, 1.2815516],
    &[0.1141853, 0.3487557, 0.6045853, 0.9084579, 1.3351777],
    &[0.2104284, 0.4307273, 0.6744898, 0.9674216, 1.3829941],
    &[0.0965586, 0.2933812, 0.5024022, 0.7363159, 1.0200762, 1.4260769],
    &[0.1800124, 0.3661064, 0.5659488, 0.7916386, 1.0675705, 1.4652338],
    &[0.0836517, 0.2533471, 0.4307273, 0.6229257, 0.8416212, 1.1107716, 1.5010859],
    &[0.1573107, 0.3186394, 0.4887764, 0.6744898, 0.8871466, 1.1503494, 1.5341205],
];

/// The quantile with so many of `cardinality` shares below it, from 1.
fn quantile(shares: usize, cardinality: usize) -> f64 {
    let above = QUANTILES[cardinality - 2];
    match (2 * shares).cmp(&cardinality) {
        std::cmp::Ordering::Equal => 0.0,
        std::cmp::Ordering::Greater => above[above.len() - (cardinality - shares)],
        std::cmp::Ordering::Less => -above[above.len() - shares],
    }
}

/// To three decimals and single precision, as the tables of the original are; those of distances are rounded and those
/// of limits cut.
fn tabled(value: f64) -> f64 {
    f64::from((value / 1000.0) as f32)
}

/// The symbol of a normalised average.
pub(super) fn symbol(value: f64, cardinality: usize) -> u8 {
    if value.is_nan() {
        return cardinality as u8;
    }
    let limit = |shares: &usize| value < tabled((quantile(*shares, cardinality) * 1000.0).trunc());
    (1..cardinality).find(limit).map_or(0, |shares| cardinality - shares) as u8
}

/// The letter of a symbol: A is the lowest.
pub(super) fn letter(symbol: u8, cardinality: usize) -> u8 {
    match cardinality - usize::from(symbol).min(cardinality) {
        0 => b'#',
        place => b'A' + place as u8 - 1,
    }
}

/// The symbol of a letter, if the alphabet has it.
pub(super) fn of_letter(letter: u8, cardinality: usize) -> Option<u8> {
    if letter == b'#' {
        return Some(cardinality as u8);
    }
    let place = usize::from(letter.checked_sub(b'A')?);
    (place < cardinality).then(|| (cardinality - place - 1) as u8)
}

/// The least distance of values behind two symbols.
fn distance(a: u8, b: u8, cardinality: usize) -> f64 {
    let (low, high) = (usize::from(a.min(b)), usize::from(a.max(b)));
    if high - low <= 1 {
        return 0.0;
    }
    tabled(((quantile(high, cardinality) - quantile(low + 1, cardinality)) * 1000.0).round())
}

/// A word, borrowed from an object.
pub(super) struct Word<'a> {
    /// Values that it was made of; 0 if that is not known.
    pub(super) count: usize,
    pub(super) cardinality: usize,
    pub(super) symbols: &'a [u8],
}

impl Word<'_> {
    /// The least distance of the series behind two words, above, and below; `None` if they do not go together.
    pub(super) fn distances(&self, other: &Word<'_>) -> Option<[f64; 3]> {
        let is_alike = self.cardinality == other.cardinality && self.symbols.len() == other.symbols.len();
        let counts = [self.count, other.count];
        if !is_alike || (self.count != other.count && !counts.contains(&0)) {
            return None;
        }
        let length = self.symbols.len();
        // Without any count each letter stands for one value.
        let count = counts.into_iter().find(|count| *count > 0).unwrap_or(length);
        let (mut above, mut below) = (0.0, 0.0);
        for (&a, &b) in self.symbols.iter().zip(other.symbols) {
            if a == b {
                continue;
            }
            let (a, b) = (self.known(a, b), self.known(b, a));
            let distance = distance(a, b, self.cardinality);
            *if a < b { &mut above } else { &mut below } += distance * distance;
        }
        let compression = (count as f64 / length as f64).sqrt();
        Some([above + below, above, below].map(|sum| compression * sum.sqrt()))
    }

    /// A frame without values is taken for the symbol that is furthest from the other one.
    fn known(&self, symbol: u8, other: u8) -> u8 {
        let last = self.cardinality as u8 - 1;
        match symbol > last {
            true if other > last - other => 0,
            true => last,
            false => symbol,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_in_order_and_mirrored() {
        for cardinality in 2..=LARGEST_CARDINALITY {
            for shares in 1..cardinality {
                let mirrored = -quantile(cardinality - shares, cardinality);
                assert_eq!(quantile(shares, cardinality), mirrored);
                assert!(shares == 1 || quantile(shares - 1, cardinality) < quantile(shares, cardinality));
            }
        }
        // What is at a limit lies above it, and limits were cut to three decimals.
        assert_eq!(
            [symbol(-0.431, 3), symbol(-0.4301, 3), symbol(-0.4299, 3), symbol(0.4301, 3)],
            [2, 2, 1, 0]
        );
        assert_eq!([symbol(0.0, 2), symbol(-1e-9, 2), symbol(f64::NAN, 2)], [0, 1, 2]);
    }

    #[test]
    fn letters_go_from_the_lowest_up() {
        for cardinality in 2..=LARGEST_CARDINALITY {
            for symbol in 0..=cardinality as u8 {
                assert_eq!(of_letter(letter(symbol, cardinality), cardinality), Some(symbol));
            }
        }
        assert_eq!([letter(7, 8), letter(0, 8), letter(8, 8)], *b"AH#");
        assert_eq!([of_letter(b'I', 8), of_letter(b'@', 8), of_letter(b'a', 8)], [None; 3]);
    }

    #[test]
    fn neighbours_are_at_no_distance() {
        assert_eq!(distance(2, 3, 8), 0.0);
        assert_eq!(distance(2, 5, 8), f64::from(0.637_f32));
        assert_eq!(distance(15, 0, 16), f64::from(3.068_f32));
        assert_eq!(distance(0, 2, 3), f64::from(0.861_f32));
    }
}
