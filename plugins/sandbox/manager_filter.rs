//! SandboxManagerFilter: loads and unloads sandbox filters as control messages tell.

mod files;

use std::path::PathBuf;

use heka_message::{MessageView, Value as FieldValue};
use heka_plugin::filter::FilterPlugin;
use heka_plugin::report::{ReportRow, row};
use heka_plugin::{
    ConfigError, Context, Filter, FilterDefaults, Inject, PluginDef, PluginError, Record, Table, Value,
    registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::filter::termination;
use crate::word_name::word_name;
use files::Files;

/// The row of SandboxManagerFilter.
pub static DEF: PluginDef = registry::filter::<SandboxManagerFilter>();

/// A control message's time must be this close to now.
const LARGEST_SKEW_NS: u64 = 5_000_000_000;
const FILTER_TYPE: &str = "SandboxFilter";

/// Options of SandboxManagerFilter.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename = "plugins.SandboxManagerFilterConfig", deny_unknown_fields, default)]
pub struct SandboxManagerConfig {
    /// Filters that may run at a time.
    pub max_filters: i64,
    /// Folder for what is loaded, relative to `base_dir`. It may be shared with other managers.
    pub working_directory: String,
    /// Folders of modules for all filters, separated by `;`. By default `lua_modules` below `share_dir`.
    pub module_directory: Option<String>,
    /// Bytes that each filter may use; 0 is no limit.
    pub memory_limit: u64,
    /// Instructions that a call of each filter may take; 0 is no limit.
    pub instruction_limit: u64,
    /// Bytes of output that each filter may gather; 0 is no limit.
    pub output_limit: u64,
}

impl Default for SandboxManagerConfig {
    fn default() -> SandboxManagerConfig {
        let sandbox = heka_sandbox::SandboxConfig::default();
        SandboxManagerConfig {
            max_filters: 0,
            working_directory: "sbxmgrs".into(),
            module_directory: None,
            memory_limit: sandbox.memory_limit,
            instruction_limit: sandbox.instruction_limit,
            output_limit: sandbox.output_limit,
        }
    }
}

/// Manages sandbox filters. Those that run are loaded again when hekad starts.
pub struct SandboxManagerFilter {
    config: SandboxManagerConfig,
    /// How the names of its filters begin.
    prefix: String,
    files: Files,
    processed: u64,
    context: Context,
}

impl FilterPlugin for SandboxManagerFilter {
    type Config = SandboxManagerConfig;
    const NAME: &'static str = "SandboxManagerFilter";
    const DEFAULTS: FilterDefaults =
        FilterDefaults { message_matcher: Some("Type == 'heka.control.sandbox'"), ..FilterDefaults::USUAL };

    fn open(config: SandboxManagerConfig, context: &Context) -> Result<SandboxManagerFilter, ConfigError> {
        let folder: PathBuf = context.globals.in_base_dir(&config.working_directory);
        Ok(SandboxManagerFilter {
            files: if context.only_check {
                Files::at(folder)
            } else {
                Files::open(folder).map_err(ConfigError::Init)?
            },
            prefix: format!("{}-", word_name(&context.name)),
            config,
            processed: 0,
            context: context.clone(),
        })
    }
}

impl Filter for SandboxManagerFilter {
    fn start(&mut self, _: &mut dyn Inject) -> Result<(), PluginError> {
        for name in self.files.names(&self.prefix) {
            if let Err(why) = self.reload(&name) {
                self.context.log.error(&why);
            }
        }
        self.context.filters.forget_others(&self.prefix);
        Ok(())
    }

    fn loads(&self) -> Option<String> {
        Some(self.prefix.clone())
    }

    fn process(&mut self, record: &Record<'_>, inject: &mut dyn Inject) -> Result<(), PluginError> {
        self.processed += 1;
        let message = &record.message;
        let skew = now_ns().wrapping_sub(message.timestamp().unwrap_or(0));
        if skew.unsigned_abs() >= LARGEST_SKEW_NS {
            // Heka left it out in silence; whoever waits for a filter that never comes needs to see why.
            let seconds = skew / 1_000_000_000;
            self.context.log.info(&format!("Discarded control message: {seconds} seconds skew"));
            return Ok(());
        }
        match text_field(message, "action").as_deref() {
            Some("load") => self.load(message, inject),
            Some("unload") => self.unload(message),
            _ => {}
        }
        Ok(())
    }

    fn report(&self) -> Vec<ReportRow> {
        let running = self.context.filters.count(&self.prefix) as u64;
        vec![row("RunningFilters", running, "count"), row("ProcessMessageCount", self.processed, "count")]
    }

    fn tick(&mut self, _: i64, _: &mut dyn Inject) -> Result<(), PluginError> {
        Ok(())
    }
}

impl SandboxManagerFilter {
    /// Control messages seen so far.
    pub fn processed(&self) -> u64 {
        self.processed
    }

    fn load(&self, message: &MessageView<'_>, inject: &mut dyn Inject) {
        let running = self.context.filters.count(&self.prefix);
        if i64::try_from(running).unwrap_or(i64::MAX) >= self.config.max_filters {
            let (name, max) = (&self.context.name, self.config.max_filters);
            self.context.log.error(&format!("{name} attempted to load more than {max} filters"));
            return;
        }
        let Some(config) = text_field(message, "config") else { return };
        let script = message.payload().map(|payload| payload.to_vec()).unwrap_or_default();
        if let Err(why) = self.load_text(&config, &script) {
            let told = termination(&self.context.name, &why, inject.new_message());
            // A manager whose matcher takes this message too is not told; the log has the reason as well.
            let _refused = inject.announce(&told);
            self.context.log.error(&why);
        }
    }

    /// Loads the filter of a configuration's first section.
    fn load_text(&self, config: &str, script: &[u8]) -> Result<(), String> {
        let filters = &self.context.filters;
        let sections = filters.parse(config).map_err(|why| format!("loadSandbox failed: {why}\n"))?;
        let Some((section, table)) = sections.into_iter().next() else { return Ok(()) };
        let name = format!("{}{}", self.prefix, word_name(&section));
        if filters.is_running(&name) {
            return Err(format!("loadSandbox failed: {name} is already running"));
        }
        self.context.log.info(&format!("Loading: {name}"));
        let table = self.checked(&table)?;
        let written = self.files.write(&name, config, script, &script_type(&table));
        let loaded = written.and_then(|()| filters.load(&name, &self.adjusted(table, &name), true));
        loaded.inspect_err(|_| self.files.remove(&name))
    }

    /// Loads a filter that ran when hekad ended.
    fn reload(&self, name: &str) -> Result<(), String> {
        let filters = &self.context.filters;
        let text = self.files.config(name).map_err(|why| format!("restoreSandboxes failed: {why}\n"))?;
        let sections = filters.parse(&text).map_err(|why| format!("restoreSandboxes failed: {why}\n"))?;
        let Some((_, table)) = sections.into_iter().next() else { return Ok(()) };
        self.context.log.info(&format!("Loading: {name}"));
        let loaded =
            self.checked(&table).and_then(|table| filters.load(name, &self.adjusted(table, name), false));
        loaded.map_err(|why| {
            self.files.remove(name);
            format!("createRunner failed: {why}\n")
        })
    }

    /// The options of a filter, if they are those of a filter.
    fn checked(&self, table: &Table) -> Result<Table, String> {
        let type_name = match table.option("type").map(|entry| &entry.value) {
            Some(Value::String(type_name)) => type_name.as_str(),
            _ => "",
        };
        if type_name != FILTER_TYPE {
            return Err(format!("Plugin must be a SandboxFilter, received {type_name}"));
        }
        Ok(table.clone())
    }

    /// The options with those that the manager decides.
    fn adjusted(&self, mut table: Table, name: &str) -> Table {
        let script = self.files.script(name, &script_type(&table));
        let limit = |limit: u64| Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX));
        let mut set = |key: &str, value: Value| {
            table.entries.retain(|entry| !entry.key.eq_ignore_ascii_case(key));
            table.set(key, value);
        };
        set("filename", Value::String(script.display().to_string()));
        set("memory_limit", limit(self.config.memory_limit));
        set("instruction_limit", limit(self.config.instruction_limit));
        set("output_limit", limit(self.config.output_limit));
        let folder = match &self.config.module_directory {
            Some(folder) => folder.clone(),
            None => self.context.globals.in_share_dir("lua_modules").display().to_string(),
        };
        set("module_directory", Value::String(folder));
        table
    }

    fn unload(&self, message: &MessageView<'_>) {
        let Some(section) = text_field(message, "name") else { return };
        let name = format!("{}{}", self.prefix, word_name(&section));
        if self.context.filters.unload(&name) {
            self.files.remove(&name);
        }
    }
}

/// The extension of a filter's script.
fn script_type(table: &Table) -> String {
    match table.option("script_type").map(|entry| &entry.value) {
        Some(Value::String(script_type)) => word_name(script_type),
        _ => "lua".into(),
    }
}

/// The text of a field; `None` if it is missing or no text.
fn text_field(message: &MessageView<'_>, name: &str) -> Option<String> {
    match message.field(name.as_bytes(), 0)?.value(0)? {
        FieldValue::String(text) => Some(text.to_string()),
        _ => None,
    }
}

fn now_ns() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
