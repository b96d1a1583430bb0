//! Anonymous usage events of the Pact libraries.
