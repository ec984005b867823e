/// The address that the environment has for a provider, if it has one.
pub(crate) fn base_url_from_env(variable: &str, otherwise: &str) -> String {
    let elsewhere = std::env::var_os(variable).unwrap_or_default();
    // What is not Unicode is no address, and will be refused as one.
    match elsewhere.to_string_lossy().trim() {
        "" => otherwise.to_owned(),
        elsewhere => elsewhere.to_owned(),
    }
}
