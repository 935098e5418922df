//! What is told of a container.

use std::collections::HashMap;

use heka_message::Field;
use heka_plugin::Stop;
use serde::Deserialize;

use super::{ApiError, Engine};

/// Which fields a container's messages have beside those that all have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The variable that holds the container's name; "" for none.
    pub(crate) name_from_env_var: String,
    /// Variables that become fields.
    pub(crate) from_env: Vec<String>,
    /// Labels that become fields.
    pub(crate) from_labels: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    name: String,
    #[serde(default)]
    state: State,
    config: Option<Config>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct State {
    running: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Config {
    env: Option<Vec<String>>,
    labels: Option<HashMap<String, String>>,
    image: String,
    tty: bool,
}

/// A container.
pub(crate) struct Container {
    /// Its name without the slash, or what the variable says.
    pub(crate) name: String,
    /// It runs.
    pub(crate) running: bool,
    /// Its output is that of a terminal: one stream, and no frames.
    pub(crate) tty: bool,
    /// The fields of its messages.
    pub(crate) fields: Vec<(String, String)>,
}

impl Container {
    /// Asks for the container `id`.
    ///
    /// # Errors
    /// There is none, or the engine cannot be asked.
    pub(crate) fn inspect(
        engine: &Engine,
        id: &str,
        wanted: &Wanted,
        stop: &Stop,
    ) -> Result<Container, ApiError> {
        Ok(describe(id, engine.json(&format!("/containers/{id}/json"), stop)?, wanted))
    }

    /// The fields as messages have them.
    pub(crate) fn message_fields(&self) -> Vec<Field> {
        self.fields.iter().map(|(name, value)| Field::string(name.as_str(), "", value.as_str())).collect()
    }
}

fn describe(id: &str, inspected: Inspected, wanted: &Wanted) -> Container {
    let config = inspected.config.unwrap_or_default();
    let variables: HashMap<&str, &str> =
        config.env.iter().flatten().filter_map(|entry| entry.split_once('=')).collect();
    let mut name = inspected.name.trim_start_matches('/').to_string();
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut set = |key: &str, value: &str| match fields.iter_mut().find(|(name, _)| name == key) {
        Some((_, held)) => *held = value.into(),
        None => fields.push((key.into(), value.into())),
    };
    let naming = variables.get_key_value(wanted.name_from_env_var.as_str());
    if let Some((key, value)) = naming.filter(|(_, value)| !value.is_empty()) {
        name = (*value).to_string();
        set(key, value);
    }
    for key in &wanted.from_env {
        variables.get(key.as_str()).into_iter().for_each(|value| set(key, value));
    }
    set("ContainerID", id);
    set("ContainerName", &name);
    set("ContainerImage", &config.image);
    let labels = config.labels.unwrap_or_default();
    for key in &wanted.from_labels {
        labels.get(key).into_iter().for_each(|value| set(key, value));
    }
    Container { name, running: inspected.state.running, tty: config.tty, fields }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_from_variables_and_labels() {
        let json = r#"{"Id":"x","Name":"/box","State":{"Running":true},"Config":{"Env":["APP=web","X=1=2","E="],
            "Labels":{"tier":"front","ContainerImage":"mine"},"Image":"img:1","Tty":false}}"#;
        let wanted = Wanted {
            name_from_env_var: "APP".into(),
            from_env: vec!["X".into(), "absent".into(), "E".into()],
            from_labels: vec!["tier".into(), "ContainerImage".into()],
        };
        let container = describe("0123456789ab", serde_json::from_str(json).unwrap(), &wanted);
        assert_eq!((container.name.as_str(), container.running, container.tty), ("web", true, false));
        let shown: Vec<String> =
            container.fields.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        assert_eq!(
            shown,
            [
                "APP:web",
                "X:1=2",
                "E:",
                "ContainerID:0123456789ab",
                "ContainerName:web",
                "ContainerImage:mine",
                "tier:front"
            ]
        );
        let bare = describe("1", serde_json::from_str(r#"{"Name":"/b","Config":null}"#).unwrap(), &wanted);
        assert_eq!(bare.name, "b");
    }
}
