//! Values that a configuration writes as a text of their own.

/// Has serde read and write a type by its `FromStr` and `Display`, so that it stands in files in its one spelling. The type
/// says `#[serde(try_from = "String", into = "String")]`, and its error is a text.
macro_rules! text_form {
    ($name:ident) => {
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
    };
}

pub(super) use text_form;
