//! What differs between two configurations.

use super::prints::{Print, Prints};

/// Sections of one category, by name, in the order of their configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Only the new configuration has them.
    pub added: Vec<String>,
    /// Both have them, and they differ.
    pub changed: Vec<String>,
    /// Only the old configuration has them.
    pub removed: Vec<String>,
    /// How many are the same in both.
    pub kept: usize,
}

/// What is to be done to get from one configuration to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Inputs.
    pub inputs: Names,
    /// Filters.
    pub filters: Names,
    /// Outputs.
    pub outputs: Names,
}

impl Names {
    fn between(old: &[Print], new: &[Print]) -> Names {
        let find = |prints: &[Print], name: &str| prints.iter().find(|print| print.name == name).cloned();
        let mut names = Names::default();
        for print in new {
            match find(old, &print.name) {
                None => names.added.push(print.name.clone()),
                Some(before) if before.digest != print.digest => names.changed.push(print.name.clone()),
                Some(_) => names.kept += 1,
            }
        }
        let gone = old.iter().filter(|print| find(new, &print.name).is_none());
        names.removed = gone.map(|print| print.name.clone()).collect();
        names
    }

    /// Those of the old configuration that end: changed or removed.
    pub fn leaving(&self) -> impl Iterator<Item = &String> {
        self.changed.iter().chain(&self.removed)
    }
}

impl Changes {
    /// What leads from `old` to `new`.
    pub fn between(old: &Prints, new: &Prints) -> Changes {
        Changes {
            inputs: Names::between(&old.inputs, &new.inputs),
            filters: Names::between(&old.filters, &new.filters),
            outputs: Names::between(&old.outputs, &new.outputs),
        }
    }

    fn all(&self) -> [&Names; 3] {
        [&self.inputs, &self.filters, &self.outputs]
    }

    /// Whether a plugin of the old configuration ends.
    pub fn ends_any(&self) -> bool {
        self.all().iter().any(|names| names.leaving().next().is_some())
    }
}

impl std::fmt::Display for Changes {
    /// Such as `1 added (a), 1 changed (b), 7 unchanged`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = self.all();
        let lists = [
            ("added", all.map(|of| &of.added)),
            ("changed", all.map(|of| &of.changed)),
            ("removed", all.map(|of| &of.removed)),
        ];
        for (what, lists) in lists {
            let names: Vec<&str> = lists.into_iter().flatten().map(String::as_str).collect();
            if !names.is_empty() {
                write!(f, "{} {what} ({}), ", names.len(), names.join(", "))?;
            }
        }
        write!(f, "{} unchanged", self.all().iter().map(|names| names.kept).sum::<usize>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prints(of: &[(&str, u64)]) -> Prints {
        let outputs = of.iter().map(|(name, digest)| Print { name: (*name).into(), digest: *digest });
        Prints { outputs: outputs.collect(), ..Prints::default() }
    }

    #[test]
    fn each_name_is_added_changed_removed_or_kept() {
        let (old, new) = (prints(&[("a", 1), ("b", 1), ("c", 1)]), prints(&[("d", 1), ("c", 2), ("a", 1)]));
        let changes = Changes::between(&old, &new);
        assert_eq!(changes.to_string(), "1 added (d), 1 changed (c), 1 removed (b), 1 unchanged");
        assert!(changes.ends_any());
        let back = Changes::between(&new, &old);
        assert_eq!(back.to_string(), "1 added (b), 1 changed (c), 1 removed (d), 1 unchanged");
        let none = Changes::between(&old, &old);
        assert!(!none.ends_any() && none.to_string() == "3 unchanged");
    }
}
