//! The parts of a document, as `fields` names them.

use heka_plugin::ConfigError;

/// A part of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Uuid,
    Timestamp,
    Type,
    Logger,
    Severity,
    Payload,
    EnvVersion,
    Pid,
    Hostname,
    DynamicFields,
}

const PARTS: [(&str, Part); 10] = [
    ("Uuid", Part::Uuid),
    ("Timestamp", Part::Timestamp),
    ("Type", Part::Type),
    ("Logger", Part::Logger),
    ("Severity", Part::Severity),
    ("Payload", Part::Payload),
    ("EnvVersion", Part::EnvVersion),
    ("Pid", Part::Pid),
    ("Hostname", Part::Hostname),
    ("DynamicFields", Part::DynamicFields),
];

/// What cannot be used.
pub(crate) enum BadFields {
    /// No part has this name.
    Unknown(String),
    /// `dynamic_fields` is given, but the document has none.
    NoDynamicFields,
}

impl BadFields {
    /// The error; `shown` makes the name as the encoder shows it.
    pub(crate) fn error(self, shown: impl Fn(&str) -> String) -> ConfigError {
        match self {
            BadFields::Unknown(name) => {
                let known: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
                ConfigError::Init(format!(
                    "Unsupported value \"{}\" in 'fields' list, must be one of {}",
                    shown(&name),
                    known.join(", ")
                ))
            }
            BadFields::NoDynamicFields => {
                ConfigError::init("\"DynamicFields\" must be in 'fields' list if using 'dynamic_fields'")
            }
        }
    }
}

/// All names, in the order of a document that is not configured.
pub(crate) fn default_names() -> Vec<String> {
    PARTS.iter().map(|(name, _)| (*name).to_string()).collect()
}

/// The parts of the names in `fields`, in any letter case.
pub(crate) fn parse_parts(fields: &[String], dynamic_fields: &[String]) -> Result<Vec<Part>, BadFields> {
    let mut parts = Vec::new();
    for field in fields {
        // An older name for all dynamic fields.
        let name = if field.eq_ignore_ascii_case("fields") { "DynamicFields" } else { field };
        let known = PARTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        parts.push(known.ok_or_else(|| BadFields::Unknown(field.clone()))?.1);
    }
    if !dynamic_fields.is_empty() && !parts.contains(&Part::DynamicFields) {
        return Err(BadFields::NoDynamicFields);
    }
    Ok(parts)
}
