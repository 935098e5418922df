//! Names that are safe as file names.

/// The name with everything but ASCII letters, digits and underscores replaced by underscores.
pub(crate) fn word_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_characters_become_one_underscore_each() {
        assert_eq!(word_name("a-b.ü c_9"), "a_b___c_9");
    }
}
