use fascine::http::{H1Transport, MemoryNet, Transport, TransportError};
use fascine_testing::TestRuntime;
use http::HeaderValue;

use super::server::get;

#[test]
fn a_key_goes_to_another_machine_over_https_alone() {
    TestRuntime::run(|rt| async move {
        let transport = H1Transport::new(&rt, MemoryNet::new());
        let mut secret = HeaderValue::from_static("abc");
        secret.set_sensitive(true);
        for (name, value) in [
            ("x-mine", secret.clone()),
            ("authorization", HeaderValue::from_static("Bearer abc")),
            ("x-api-key", HeaderValue::from_static("abc")),
        ] {
            let mut request = get("http://10.0.0.1/");
            request.headers_mut().insert(name, value);
            let error = transport.send(request.clone()).await.unwrap_err();
            assert!(
                matches!(&error, TransportError::PlaintextCredentials { header, host }
                    if header == name && host == "10.0.0.1"),
                "{error}"
            );
            assert!(error.is_before_request() && !error.is_retryable());
            assert!(!error.to_string().contains("abc"));

            // Nobody listens there, but nobody minds either.
            let asked = transport.clone().with_plaintext_credentials();
            let error = asked.send(request.clone()).await.unwrap_err();
            assert!(matches!(error, TransportError::Connect { .. }), "{error}");
            *request.uri_mut() = "http://127.0.0.1/".parse().unwrap();
            let error = transport.send(request).await.unwrap_err();
            assert!(matches!(error, TransportError::Connect { .. }), "{error}");
        }
    });
}
