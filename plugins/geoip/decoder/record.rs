//! What is known of an address, and its form in a message.

use std::borrow::Cow;
use std::io::Write;

/// How legacy libraries call UTF-8, in which all texts are.
const UTF8: u8 = 1;

/// What a database knows of an address. A text that it does not know is empty.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Record<'d> {
    /// Latitude and longitude in degrees.
    pub(super) place: Option<(f32, f32)>,
    pub(super) country_code: Cow<'d, str>,
    pub(super) country_code3: Cow<'d, str>,
    pub(super) country_name: Cow<'d, str>,
    pub(super) region: Cow<'d, str>,
    pub(super) city: Cow<'d, str>,
    pub(super) postal_code: Cow<'d, str>,
    /// Telephone area code, in the United States; else 0.
    pub(super) area_code: u32,
    pub(super) continent_code: Cow<'d, str>,
}

impl Record<'_> {
    /// The record as a JSON object, its members in Heka's order.
    pub(super) fn json(&self) -> Vec<u8> {
        let mut out = b"{".to_vec();
        if let Some((latitude, longitude)) = self.place {
            let (latitude, longitude) = (degrees(latitude), degrees(longitude));
            // Writing to a Vec cannot fail.
            let _ = write!(
                out,
                "\"latitude\":{latitude},\"longitude\":{longitude},\"location\":[{longitude},{latitude}],\
                 \"coordinates\":[\"{longitude}\",\"{latitude}\"],"
            );
        }
        for (name, text) in [
            ("countrycode", &self.country_code),
            ("countrycode3", &self.country_code3),
            ("countryname", &self.country_name),
            ("region", &self.region),
            ("city", &self.city),
            ("postalcode", &self.postal_code),
        ] {
            let _ = write!(out, "\"{name}\":");
            write_text(text, &mut out);
            out.push(b',');
        }
        let _ = write!(out, "\"areacode\":{},\"charset\":{UTF8},\"continentcode\":", self.area_code);
        write_text(&self.continent_code, &mut out);
        out.push(b'}');
        out
    }
}

/// A JSON string. Only what would break it is escaped.
fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' | '\\' | '\0'..='\x1f' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

/// Go's `%.16g` of the number: as many of its sixteen digits as are not zeros at the end.
fn degrees(value: f32) -> String {
    let text = format!("{:.15e}", f64::from(value));
    let (number, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |number| ("-", number));
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let digits = match digits.trim_end_matches('0') {
        "" => "0",
        digits => digits,
    };
    let point = usize::try_from(exponent + 1).unwrap_or(0);
    if exponent < -4 {
        let fraction = digits.get(1..).filter(|rest| !rest.is_empty()).map(|rest| format!(".{rest}"));
        let first = digits.get(..1).unwrap_or_default();
        format!("{sign}{first}{}e-{:02}", fraction.unwrap_or_default(), -exponent)
    } else if exponent < 0 {
        let zeros = usize::try_from(-exponent - 1).unwrap_or(0);
        format!("{sign}0.{}{digits}", "0".repeat(zeros))
    } else if digits.len() <= point {
        format!("{sign}{digits}{}", "0".repeat(point - digits.len()))
    } else {
        let (whole, fraction) = digits.split_at(point);
        format!("{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_have_a_fixed_order() {
        let record = Record {
            place: Some((37.386, -122.083_8)),
            country_code: "US".into(),
            country_code3: "USA".into(),
            country_name: "United States".into(),
            region: "CA".into(),
            city: "Mountain View".into(),
            postal_code: "94040".into(),
            area_code: 650,
            continent_code: "NA".into(),
        };
        assert_eq!(
            String::from_utf8(record.json()).unwrap(),
            r#"{"latitude":37.38600158691406,"longitude":-122.0838012695312,"location":[-122.0838012695312,37.38600158691406],"coordinates":["-122.0838012695312","37.38600158691406"],"countrycode":"US","countrycode3":"USA","countryname":"United States","region":"CA","city":"Mountain View","postalcode":"94040","areacode":650,"charset":1,"continentcode":"NA"}"#
        );
    }

    #[test]
    fn an_unknown_place_is_left_out_and_texts_stay_json() {
        let record = Record { city: "a\"b\\c\nd é".into(), ..Record::default() };
        let value: serde_json::Value = serde_json::from_slice(&record.json()).unwrap();
        assert_eq!((value["city"].as_str(), value.get("latitude")), (Some("a\"b\\c\nd é"), None));
    }

    #[test]
    fn degrees_are_written_as_go_does() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (12.0, "12"),
            (100.0, "100"),
            (-180.0, "-180"),
            (0.25, "0.25"),
            (37.751, "37.75099945068359"),
            (179.999_9, "179.9998931884766"),
            (1.0 / 3.0, "0.3333333432674408"),
            (0.000_12, "0.000119999996968545"),
            (-0.000_2, "-0.000199999994947575"),
            (0.000_1, "9.999999747378752e-05"),
            (0.000_02, "1.99999994947575e-05"),
        ] {
            assert_eq!(degrees(value), text);
        }
    }
}
