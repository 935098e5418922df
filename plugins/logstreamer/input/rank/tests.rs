use proptest::prelude::*;

use super::*;

fn tables(tables: &[(&str, &[(&str, i64)])]) -> HashMap<String, HashMap<String, i64>> {
    let table = |pairs: &[(&str, i64)]| pairs.iter().map(|(key, value)| ((*key).into(), *value)).collect();
    tables.iter().map(|(name, pairs)| ((*name).into(), table(pairs))).collect()
}

fn captures(groups: &[(&str, &str)], translation: &Translation) -> Captures {
    Captures::new(groups.iter().map(|(name, value)| (*name, (*value).to_owned())), translation)
}

#[test]
fn months_days_digits_and_the_rest() {
    let none = Translation::default();
    for (name, value, number) in [
        ("MonthName", "SEP", Some(9)),
        ("MonthName", "february", Some(2)),
        ("MonthName", "febr", None),
        ("MonthName", "", None),
        ("DayName", "Mon", Some(0)),
        ("DayName", "sunday", Some(6)),
        ("Seq", "007", Some(7)),
        ("Seq", "", Some(-1)),
        ("Seq", "7a", Some(-1)),
        ("Seq", "99999999999999999999", Some(i64::MAX)),
    ] {
        assert_eq!(none.number(name, value), number, "{name} {value}");
    }
}

#[test]
fn tables_of_one_and_of_many_entries() {
    let one = Translation::new(&tables(&[("Seq", &[("missing", 1000)])])).unwrap();
    assert_eq!(one.number("Seq", ""), Some(1000));
    assert_eq!(one.number("Seq", "3"), Some(3));
    assert_eq!(one.number("Seq", "x"), Some(-1));
    let many = Translation::new(&tables(&[("Level", &[("Low", 1), ("high", 3), ("missing", 0)])])).unwrap();
    assert_eq!(many.number("Level", "LOW"), Some(1));
    assert_eq!(many.number("Level", ""), Some(0));
    assert_eq!(many.number("Level", "12"), None);
    assert_eq!(
        Translation::new(&tables(&[("Seq", &[("first", 1)])])).unwrap_err(),
        "A translation map with one entry ('Seq') must be specifying a 'missing' key."
    );
}

#[test]
fn an_unknown_value_hides_what_follows_it() {
    let captures = captures(
        &[("", "/x/Foo-3-web"), ("MonthName", "Foo"), ("Seq", "3"), ("Host", "web")],
        &Translation::default(),
    );
    assert_eq!(captures.number("Seq"), 0);
    assert_eq!(captures.stream_name(&["MonthName".into(), "-".into(), "Host".into()]), "Foo-Host");
}

#[test]
fn a_name_used_twice_means_its_last_group() {
    let captures = captures(&[("Id", "1"), ("Id", "2")], &Translation::default());
    assert_eq!(captures.number("Id"), 2);
    assert_eq!(captures.stream_name(&["Id".into()]), "2");
}

proptest! {
    #[test]
    fn up_and_down_are_mirror_images(values in proptest::collection::vec((0_u32..5, 0_u32..5), 0..20)) {
        let none = Translation::default();
        let files: Vec<_> = values
            .iter()
            .map(|(a, b)| captures(&[("A", &a.to_string()), ("B", &b.to_string())], &none))
            .collect();
        let (mut up, mut down) = (files.clone(), files);
        up.sort_by(|a, b| by_priority(&["A".into(), "B".into()], a, b));
        down.sort_by(|a, b| by_priority(&["^A".into(), "^B".into()], a, b));
        down.reverse();
        let key = |captures: &Captures| (captures.number("A"), captures.number("B"));
        prop_assert!(up.iter().map(key).is_sorted());
        prop_assert!(up.iter().map(key).eq(down.iter().map(key)));
    }
}
