//! Names of options and of the Go fields that they stand for.

/// A struct field as serde knows it: `key`, or `key|GoName` where the Go name is not the key in CamelCase.
#[derive(Clone, Copy)]
pub(super) struct Field {
    /// The name by which serde knows the field.
    pub(super) serde: &'static str,
}

impl Field {
    /// The option's key.
    pub(super) fn key(self) -> &'static str {
        option_key(self.serde)
    }

    /// The Go field's name.
    pub(super) fn go(self) -> String {
        match self.serde.split_once('|') {
            Some((_, go)) => go.into(),
            None => camel_case(self.serde),
        }
    }
}

/// The option's key in a field's serde name, which is `key` or `key|GoName`. JSON schemas of options have the serde names.
pub fn option_key(serde: &str) -> &str {
    serde.split_once('|').map_or(serde, |(key, _)| key)
}

fn camel_case(key: &str) -> String {
    let mut name = String::with_capacity(key.len());
    for word in key.split('_') {
        let mut letters = word.chars();
        name.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        name.push_str(letters.as_str());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_go_name_is_given_or_made_of_the_key() {
        let given = Field { serde: "es_index_from_timestamp|ESIndexFromTimestamp" };
        assert_eq!((given.key(), given.go().as_str()), ("es_index_from_timestamp", "ESIndexFromTimestamp"));
        let made = Field { serde: "flush_interval" };
        assert_eq!((made.key(), made.go().as_str()), ("flush_interval", "FlushInterval"));
    }
}
