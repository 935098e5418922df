//! `tz`: where the timestamps that a script makes are at home.

use heka_message::golang::Zone;
use heka_plugin::ConfigError;
use heka_sandbox::SandboxConfig;

const SECOND_NS: i64 = 1_000_000_000;

/// A zone other than UTC, if one is configured.
pub(crate) struct HomeZone(Option<Zone>);

impl HomeZone {
    /// The zone of a script's options.
    ///
    /// # Errors
    /// There is no such zone.
    pub(crate) fn of(config: &SandboxConfig) -> Result<HomeZone, ConfigError> {
        let zone = match config.config.get("tz") {
            None => None,
            Some(heka_plugin::Value::String(name)) if name.is_empty() || name == "UTC" => None,
            Some(heka_plugin::Value::String(name)) => Some(Zone::load(name).map_err(ConfigError::Init)?),
            Some(_) => return Err(ConfigError::init("tz must be a string")),
        };
        Ok(HomeZone(zone))
    }

    /// Whether timestamps are to be moved at all.
    pub(crate) fn moves(&self) -> bool {
        self.0.is_some()
    }

    /// What a clock in the zone means that shows this timestamp's UTC time, in nanoseconds since the epoch; `None` where
    /// nothing is moved.
    pub(crate) fn moved(&self, timestamp_ns: i64) -> Option<i64> {
        let seconds = self.0.as_ref()?.to_unix(timestamp_ns.div_euclid(SECOND_NS));
        Some(seconds.wrapping_mul(SECOND_NS).wrapping_add(timestamp_ns.rem_euclid(SECOND_NS)))
    }
}
