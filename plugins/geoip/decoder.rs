//! Looks addresses up in a GeoIP database.

mod country;
mod database;
mod legacy;
mod maxmind;
mod record;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use heka_message::{Field, Value};
use heka_plugin::decoder::DecoderPlugin;
use heka_plugin::{ConfigError, Context, Decode, DecodeError, Decoder, Pack, PluginDef, registry};
use schemars::JsonSchema;
use serde::Deserialize;

use self::database::Database;

/// The row of this plugin.
pub static DEF: PluginDef = registry::decoder::<GeoIpDecoder>();

/// Adds the place of an IP address.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "geoip.GeoIpDecoderConfig", default, deny_unknown_fields)]
pub struct Config {
    /// The database: a legacy GeoIP City file (`.dat`) or a MaxMind file (`.mmdb`). Not given: `GeoLiteCity.dat` in the
    /// `share_dir`.
    #[serde(rename = "db_file|DatabaseFile")]
    pub db_file: Option<String>,
    /// The field that holds the address as a text.
    pub source_ip_field: String,
    /// The field to add.
    pub target_field: String,
}

impl Default for Config {
    fn default() -> Config {
        Config { db_file: None, source_ip_field: String::new(), target_field: "geoip".into() }
    }
}

/// Adds a field with what a GeoIP database knows of the address in another field, as a JSON object. A message without that
/// field, or with an address that the database does not know, stays as it is.
pub struct GeoIpDecoder {
    database: Arc<Database>,
    source_ip_field: String,
    target_field: String,
}

impl DecoderPlugin for GeoIpDecoder {
    type Config = Config;
    const NAME: &'static str = "GeoIpDecoder";

    fn open(config: Config, context: &Context) -> Result<GeoIpDecoder, ConfigError> {
        for (name, value) in
            [("source_ip_field", &config.source_ip_field), ("target_field", &config.target_field)]
        {
            if value.is_empty() {
                return Err(ConfigError::Init(format!("`{name}` must be specified")));
            }
        }
        let in_share_dir = || context.globals.in_share_dir("GeoLiteCity.dat");
        let path = config.db_file.map_or_else(in_share_dir, PathBuf::from);
        let database = Database::open(&path)
            .map_err(|why| ConfigError::Init(format!("Could not open GeoIP database: {why}")))?;
        if context.only_check && matches!(*database, Database::Other) {
            context.log.error(&format!("no address will be found: {} is no City database", path.display()));
        }
        Ok(GeoIpDecoder {
            database,
            source_ip_field: config.source_ip_field,
            target_field: config.target_field,
        })
    }
}

impl Decoder for GeoIpDecoder {
    fn decode(&mut self, pack: &mut Pack, _: &mut Vec<Pack>) -> Result<Decode, DecodeError> {
        let source = pack.message().field(self.source_ip_field.as_bytes());
        let address: Option<IpAddr> = match source.and_then(|field| field.value(0)) {
            Some(Value::String(text)) => std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()),
            _ => None,
        };
        if let Some(record) = address.and_then(|address| self.database.find(address)) {
            pack.message_mut().add_field(Field::bytes(self.target_field.as_str(), "", record.json()));
        }
        Ok(Decode::Done)
    }
}

#[cfg(test)]
mod tests;
