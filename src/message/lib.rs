//! Heka's message: its protobuf form, stream framing and matcher.
