//! The options of sandbox plugins.

use heka_plugin::config::Pairs;
use heka_plugin::{ConfigError, Context, Value};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::kind::Kind;
use crate::settings::{Settings, Variable};

/// Options of a sandbox that is no encoder.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename = "sandbox.SandboxConfig", deny_unknown_fields, default)]
pub struct SandboxConfig {
    /// Language of the script; only `lua` is known.
    pub script_type: String,
    /// The script: a path, relative to `share_dir`.
    #[serde(rename = "filename|ScriptFilename")]
    pub filename: String,
    /// Folders of modules, separated by `;`. By default `lua_modules` below `share_dir`.
    pub module_directory: Option<String>,
    /// Whether global variables are kept over restarts.
    pub preserve_data: bool,
    /// Bytes that the script may use; 0 is no limit.
    pub memory_limit: u64,
    /// Instructions that a call may take; 0 is no limit.
    pub instruction_limit: u64,
    /// Bytes of output that may be gathered; 0 is no limit.
    pub output_limit: u64,
    /// Whether hekad goes on when the plugin ends.
    pub can_exit: Option<bool>,
    /// Whether `timer_event` is called when hekad stops.
    pub timer_event_on_shutdown: bool,
    /// Whether every call is timed until there are enough samples.
    pub profile: bool,
    /// Variables for the script.
    pub config: Pairs<Value>,
    /// Accepted without effect.
    pub globals: Option<Value>,
    /// Accepted without effect.
    #[serde(rename = "plugintype|PluginType")]
    pub plugin_type: Option<String>,
}

/// Options of SandboxEncoder.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename = "plugins.SandboxEncoderConfig", deny_unknown_fields, default)]
pub struct SandboxEncoderConfig {
    /// Language of the script; only `lua` is known.
    pub script_type: String,
    /// The script: a path, relative to `share_dir`.
    #[serde(rename = "filename|ScriptFilename")]
    pub filename: String,
    /// Folders of modules, separated by `;`. By default `lua_modules` below `share_dir`.
    pub module_directory: Option<String>,
    /// Whether global variables are kept over restarts.
    pub preserve_data: bool,
    /// Bytes that the script may use; 0 is no limit.
    pub memory_limit: u64,
    /// Instructions that a call may take; 0 is no limit.
    pub instruction_limit: u64,
    /// Bytes of output that may be gathered; 0 is no limit.
    pub output_limit: u64,
    /// Accepted without effect.
    pub profile: bool,
    /// Variables for the script.
    pub config: Pairs<Value>,
    /// Accepted without effect.
    #[serde(rename = "plugintype|PluginType")]
    pub plugin_type: Option<String>,
}

const MEMORY_LIMIT: u64 = 8 * 1024 * 1024;
const INSTRUCTION_LIMIT: u64 = 1_000_000;
const OUTPUT_LIMIT: u64 = 63 * 1024;

impl Default for SandboxConfig {
    fn default() -> SandboxConfig {
        SandboxConfig {
            script_type: "lua".into(),
            filename: String::new(),
            module_directory: None,
            preserve_data: false,
            memory_limit: MEMORY_LIMIT,
            instruction_limit: INSTRUCTION_LIMIT,
            output_limit: OUTPUT_LIMIT,
            can_exit: None,
            timer_event_on_shutdown: false,
            profile: false,
            config: Pairs::default(),
            globals: None,
            plugin_type: None,
        }
    }
}

impl Default for SandboxEncoderConfig {
    fn default() -> SandboxEncoderConfig {
        SandboxEncoderConfig {
            script_type: "lua".into(),
            filename: String::new(),
            module_directory: None,
            preserve_data: false,
            memory_limit: MEMORY_LIMIT,
            instruction_limit: INSTRUCTION_LIMIT,
            output_limit: OUTPUT_LIMIT,
            profile: false,
            config: Pairs::default(),
            plugin_type: None,
        }
    }
}

impl From<SandboxEncoderConfig> for SandboxConfig {
    fn from(options: SandboxEncoderConfig) -> SandboxConfig {
        SandboxConfig {
            script_type: options.script_type,
            filename: options.filename,
            module_directory: options.module_directory,
            preserve_data: options.preserve_data,
            memory_limit: options.memory_limit,
            instruction_limit: options.instruction_limit,
            output_limit: options.output_limit,
            profile: options.profile,
            config: options.config,
            ..SandboxConfig::default()
        }
    }
}

impl SandboxConfig {
    /// What a sandbox of this configuration is opened with. `state_name` names its file of preserved data.
    ///
    /// # Errors
    /// The script's language is unknown.
    pub fn settings(
        &self,
        kind: &'static Kind,
        state_name: &str,
        context: &Context,
    ) -> Result<Settings, ConfigError> {
        if self.script_type != "lua" {
            let unsupported = if kind.name == "encoder" { "Unsupported" } else { "unsupported" };
            return Err(ConfigError::init(format!("{unsupported} script type: {}", self.script_type)));
        }
        let globals = &context.globals;
        let script = match self.filename.as_str() {
            "" => globals.share_dir.clone(),
            filename => globals.in_share_dir(filename),
        };
        let state_file = globals.in_base_dir("sandbox_preservation").join(format!("{state_name}.data"));
        Ok(Settings {
            module_directory: self.module_directory.clone(),
            share_dir: globals.share_dir.clone(),
            memory_limit: size(self.memory_limit),
            instruction_limit: size(self.instruction_limit),
            output_limit: size(self.output_limit),
            variables: self.variables(),
            state_file: self.preserve_data.then_some(state_file),
            ..Settings::new(kind, script)
        })
    }

    fn variables(&self) -> Vec<(String, Variable)> {
        let variable = |value: &Value| match value {
            Value::String(text) => Some(Variable::String(text.clone())),
            Value::Integer(number) => Some(Variable::Number(*number as f64)),
            Value::Float(number) => Some(Variable::Number(*number)),
            Value::Bool(truth) => Some(Variable::Bool(*truth)),
            Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
        };
        self.config.iter().filter_map(|(key, value)| Some((key.clone(), variable(value)?))).collect()
    }
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
