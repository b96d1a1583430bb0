//! Who reports: the library, its test framework and its platform, as a config names them and as the spool keeps them.

use crate::names;

/// The most bytes of each part of an [`Identity`], in the order of its fields.
pub const MAX_BYTES: [usize; 6] = [150, 100, 100, 150, 150, 150];

/// Who reports: what a client says about the library that it works for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Short name of the library for programs, such as `pact-js`. At most 150 bytes.
    pub library_id: String,
    /// Name of the library for people, such as `Pact JS`. At most 100 bytes.
    pub library_name: String,
    /// Version of the library. At most 100 bytes.
    pub library_version: String,
    /// One of [`names::DATA_SOURCES`].
    pub data_source: String,
    /// Test framework or kind of verification, such as `JUnit`; empty for none. At most 150 bytes.
    pub test_framework: String,
    /// Version of the language's platform; empty for none. At most 150 bytes.
    pub platform_version: String,
}

impl Identity {
    /// The size of its texts in bytes.
    pub fn bytes(&self) -> usize {
        let Identity { library_id, library_name, library_version, data_source, test_framework, platform_version } =
            self;
        let texts = [library_id, library_name, library_version, data_source, test_framework, platform_version];
        texts.iter().map(|text| text.len()).sum()
    }

    /// Makes an identity from its parts, in the order of a spool file; `None` if one of them cannot have come from a
    /// valid config.
    pub fn from_parts(parts: [&str; 6]) -> Option<Self> {
        let [library_id, library_name, library_version, data_source, ..] = parts;
        let sound = |(part, max): (&&str, &usize)| part.len() <= *max && !part.contains(char::is_control);
        let named = ![library_id, library_name, library_version].contains(&"");
        let valid = named && names::DATA_SOURCES.contains(&data_source) && parts.iter().zip(&MAX_BYTES).all(sound);
        let [library_id, library_name, library_version, data_source, test_framework, platform_version] =
            parts.map(String::from);
        valid.then_some(Identity {
            library_id,
            library_name,
            library_version,
            data_source,
            test_framework,
            platform_version,
        })
    }
}
