//! Makes statistics of messages.

use std::sync::Arc;

use bstr::{BStr, BString, ByteSlice};
use heka_message::golang::write_float_f;
use heka_message::{FieldView, MessageView};
use heka_plugin::config::Pairs;
use heka_plugin::filter::FilterPlugin;
use heka_plugin::{
    Accumulators, ConfigError, Context, Filter, Inject, Log, Modifier, PluginDef, PluginError, Record, Stat,
    StatAccumulator, registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::placeholders::Text;

/// The row of this plugin.
pub static DEF: PluginDef = registry::filter::<StatFilter>();

/// Makes statistics of messages for a StatAccumInput.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename = "statsd.StatFilterConfig", default, deny_unknown_fields)]
pub struct Config {
    /// The statistics to make of each message, as sub-tables `[x.Metric.<id>]`.
    #[serde(rename = "Metric")]
    pub metric: Pairs<Metric>,
    /// The StatAccumInput that gets them.
    pub stat_accum_name: String,
}

impl Default for Config {
    fn default() -> Config {
        Config { metric: Pairs::default(), stat_accum_name: "StatAccumInput".into() }
    }
}

/// One statistic. In `name` and `value`, `%x%` stands for the header Logger, Hostname, Type or Payload, or a field.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "statsd.metric", default, deny_unknown_fields)]
pub struct Metric {
    /// `Counter`, `Timer` or `Gauge`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name of the statistic.
    pub name: String,
    /// Its value, a number once filled in.
    pub value: String,
    /// Dots in what placeholders stand for become underscores.
    pub replace_dot: bool,
}

/// Hands statistics about messages to a StatAccumInput.
pub struct StatFilter {
    recipes: Vec<Recipe>,
    accumulators: Arc<Accumulators>,
    accumulator_name: String,
    /// Found at the start.
    accumulator: Option<Arc<dyn StatAccumulator>>,
    log: Arc<dyn Log>,
}

/// How to make one statistic.
struct Recipe {
    modifier: Modifier,
    name: Text,
    value: Text,
    replace_dot: bool,
}

impl FilterPlugin for StatFilter {
    type Config = Config;
    const NAME: &'static str = "StatFilter";

    fn open(config: Config, context: &Context) -> Result<StatFilter, ConfigError> {
        let recipe = |metric: &Metric| Recipe {
            modifier: match metric.kind.as_str() {
                "Timer" => Modifier::Timer,
                "Gauge" => Modifier::Gauge,
                _ => Modifier::Counter,
            },
            name: Text::interpolated(&metric.name),
            value: Text::interpolated(&metric.value),
            replace_dot: metric.replace_dot,
        };
        Ok(StatFilter {
            recipes: config.metric.iter().map(|(_, metric)| recipe(metric)).collect(),
            accumulators: context.accumulators.clone(),
            accumulator_name: config.stat_accum_name,
            accumulator: None,
            log: context.log.clone(),
        })
    }
}

impl Filter for StatFilter {
    fn start(&mut self, _: &mut dyn Inject) -> Result<(), PluginError> {
        self.accumulator = Some(self.accumulators.get(&self.accumulator_name).map_err(PluginError::Run)?);
        Ok(())
    }

    fn process(&mut self, record: &Record<'_>, _: &mut dyn Inject) -> Result<(), PluginError> {
        let Some(accumulator) = &self.accumulator else { return Ok(()) };
        let values = Values::of(&record.message);
        for recipe in &self.recipes {
            let stat = Stat {
                bucket: recipe.fill(&recipe.name, &values).into(),
                value: recipe.fill(&recipe.value, &values).into(),
                modifier: recipe.modifier,
                sampling: 1.0,
            };
            if !accumulator.drop_stat(&stat) {
                let modifier = if stat.modifier == Modifier::Counter { "" } else { stat.modifier.letters() };
                let Stat { bucket, value, sampling, .. } = stat;
                self.log.error(&format!("Undelivered stat: {{{bucket} {value} {modifier} {sampling}}}"));
            }
        }
        Ok(())
    }

    fn tick(&mut self, _: i64, _: &mut dyn Inject) -> Result<(), PluginError> {
        Ok(())
    }
}

impl Recipe {
    fn fill(&self, text: &Text, values: &Values) -> Vec<u8> {
        text.fill(|name| values.get(name, self.replace_dot))
    }
}

/// What placeholders stand for in one message.
struct Values {
    plain: Vec<(BString, BString)>,
    /// The same with underscores for dots.
    undotted: Vec<BString>,
}

impl Values {
    fn of(message: &MessageView<'_>) -> Values {
        let headers = [
            ("Logger", message.logger()),
            ("Hostname", message.hostname()),
            ("Type", message.msg_type()),
            ("Payload", message.payload()),
        ];
        let text = |value: Option<&BStr>| BString::from(value.map_or(&b""[..], |text| text));
        let mut plain: Vec<(BString, BString)> =
            headers.map(|(name, value)| (BString::from(name), text(value))).into();
        plain.extend(message.fields().filter_map(|field| Some((field.name().into(), first_value(&field)?))));
        let undotted = plain.iter().map(|(_, value)| value.replace(".", "_").into()).collect();
        Values { plain, undotted }
    }

    /// The last value of this name.
    fn get(&self, name: &str, undotted: bool) -> Option<&[u8]> {
        let at = self.plain.iter().rposition(|(known, _)| known == name)?;
        let value = if undotted { self.undotted.get(at)? } else { &self.plain.get(at)?.1 };
        Some(value)
    }
}

/// A field's first value as text.
fn first_value(field: &FieldView<'_>) -> Option<BString> {
    use heka_message::Value;
    Some(match field.value(0)? {
        Value::String(text) => text.into(),
        Value::Bytes(bytes) => bytes.into(),
        Value::Integer(number) => number.to_string().into(),
        Value::Double(number) => {
            let mut text = Vec::new();
            write_float_f(number, &mut text);
            text.into()
        }
        Value::Bool(truth) => truth.to_string().into(),
    })
}

#[cfg(test)]
mod tests;
