//! The table of plugin types: one constant row a plugin.

use crate::config::{self, Table};
use crate::decoder::DecoderPlugin;
use crate::encoder::EncoderPlugin;
use crate::filter::FilterPlugin;
use crate::input::InputPlugin;
use crate::output::OutputPlugin;
use crate::splitter::SplitterPlugin;
use crate::{
    ConfigError, Context, Decoder, Encoder, Filter, FilterDefaults, Input, InputDefaults, Output,
    OutputDefaults, Splitter, SplitterDefaults,
};

/// Category of a plugin: the suffix of its type's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `...Decoder`
    Decoder,
    /// `...Encoder`
    Encoder,
    /// `...Splitter`
    Splitter,
    /// `...Input`
    Input,
    /// `...Filter`
    Filter,
    /// `...Output`
    Output,
}

impl Kind {
    /// The category of a type, by its name.
    pub fn of(type_name: &str) -> Option<Kind> {
        let kinds = [
            ("Decoder", Kind::Decoder),
            ("Encoder", Kind::Encoder),
            ("Splitter", Kind::Splitter),
            ("Input", Kind::Input),
            ("Filter", Kind::Filter),
            ("Output", Kind::Output),
        ];
        kinds.iter().find(|(suffix, _)| type_name.ends_with(suffix)).map(|(_, kind)| *kind)
    }
}

type Open<T> = fn(&Table, &Context) -> Result<Box<T>, ConfigError>;

/// How instances of a type are made. Each call decodes the section again: it is data, and decoding touches nothing.
pub enum Build {
    /// An input and its defaults.
    Input(Open<dyn Input>, InputDefaults),
    /// A splitter and its defaults.
    Splitter(Open<dyn Splitter>, SplitterDefaults),
    /// A decoder.
    Decoder(Open<dyn Decoder>),
    /// A filter and its defaults.
    Filter(Open<dyn Filter>, FilterDefaults),
    /// An encoder, and whether its stop is announced.
    Encoder(Open<dyn Encoder>, bool),
    /// An output, its defaults, and the text of its refusal to run without an encoder.
    Output(Open<dyn Output>, OutputDefaults, Option<&'static str>),
}

/// One plugin type.
pub struct PluginDef {
    /// Its `type` in hekad.toml.
    pub name: &'static str,
    /// How instances are made.
    pub build: Build,
    /// Checks the options of a section without making an instance.
    pub check: fn(&Table) -> Result<(), ConfigError>,
    /// JSON schema of its options, doc comments and all.
    pub schema: fn() -> schemars::Schema,
}

impl PluginDef {
    /// Its category.
    pub fn kind(&self) -> Kind {
        match self.build {
            Build::Input(..) => Kind::Input,
            Build::Splitter(..) => Kind::Splitter,
            Build::Decoder(..) => Kind::Decoder,
            Build::Filter(..) => Kind::Filter,
            Build::Encoder(..) => Kind::Encoder,
            Build::Output(..) => Kind::Output,
        }
    }
}

fn check<C: serde::de::DeserializeOwned>(table: &Table, kind: Kind) -> Result<(), ConfigError> {
    config::decode::<C>(table, kind).map(drop)
}

/// The row of an input.
pub const fn input<P: InputPlugin>() -> PluginDef {
    PluginDef {
        name: P::NAME,
        build: Build::Input(
            |table, context| Ok(Box::new(P::open(config::decode(table, Kind::Input)?, context)?)),
            P::DEFAULTS,
        ),
        check: |table| check::<P::Config>(table, Kind::Input),
        schema: || schemars::schema_for!(P::Config),
    }
}

/// The row of a splitter.
pub const fn splitter<P: SplitterPlugin>() -> PluginDef {
    PluginDef {
        name: P::NAME,
        build: Build::Splitter(
            |table, context| Ok(Box::new(P::open(config::decode(table, Kind::Splitter)?, context)?)),
            P::DEFAULTS,
        ),
        check: |table| check::<P::Config>(table, Kind::Splitter),
        schema: || schemars::schema_for!(P::Config),
    }
}

/// The row of a decoder.
pub const fn decoder<P: DecoderPlugin>() -> PluginDef {
    PluginDef {
        name: P::NAME,
        build: Build::Decoder(|table, context| {
            Ok(Box::new(P::open(config::decode(table, Kind::Decoder)?, context)?))
        }),
        check: |table| check::<P::Config>(table, Kind::Decoder),
        schema: || schemars::schema_for!(P::Config),
    }
}

/// The row of a filter.
pub const fn filter<P: FilterPlugin>() -> PluginDef {
    PluginDef {
        name: P::NAME,
        build: Build::Filter(
            |table, context| Ok(Box::new(P::open(config::decode(table, Kind::Filter)?, context)?)),
            P::DEFAULTS,
        ),
        check: |table| check::<P::Config>(table, Kind::Filter),
        schema: || schemars::schema_for!(P::Config),
    }
}

/// The row of an encoder.
pub const fn encoder<P: EncoderPlugin>() -> PluginDef {
    PluginDef {
        name: P::NAME,
        build: Build::Encoder(
            |table, context| Ok(Box::new(P::open(config::decode(table, Kind::Encoder)?, context)?)),
            P::ANNOUNCES_STOP,
        ),
        check: |table| check::<P::Config>(table, Kind::Encoder),
        schema: || schemars::schema_for!(P::Config),
    }
}

/// The row of an output.
pub const fn output<P: OutputPlugin>() -> PluginDef {
    PluginDef {
        name: P::NAME,
        build: Build::Output(
            |table, context| Ok(Box::new(P::open(config::decode(table, Kind::Output)?, context)?)),
            P::DEFAULTS,
            P::NEEDS_ENCODER,
        ),
        check: |table| check::<P::Config>(table, Kind::Output),
        schema: || schemars::schema_for!(P::Config),
    }
}

/// Declares the modules of all plugins and the table of their rows together, so that neither can be missing:
/// `registry! { file { output } tcp { input output } }` declares `file/output.rs` and so on, each with a
/// `pub static DEF: PluginDef`.
#[macro_export]
macro_rules! registry {
    ($($(#[$meta:meta])* $family:ident { $($file:ident)* })*) => {
        $(
            $(#[$meta])*
            #[doc = concat!("The `", stringify!($family), "` family.")]
            pub mod $family {
                $(pub mod $file;)*
            }
        )*

        /// Every plugin type.
        pub fn all() -> Vec<&'static $crate::PluginDef> {
            let mut rows = Vec::new();
            $(
                $(#[$meta])*
                {
                    $(rows.push(&$family::$file::DEF);)*
                }
            )*
            rows
        }
    };
}
