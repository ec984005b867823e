use crate::TransportError;
use crate::connection::Connection;
use crate::exchange::Exchange;
use crate::proxy::Proxy;
use crate::url::Origin;

/// Has a proxy connect this connection to an origin.
pub(crate) async fn open(
    connection: &mut Connection,
    proxy: &Proxy,
    origin: &Origin,
) -> Result<(), TransportError> {
    let authority = origin.authority();
    let mut head = format!("CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n").into_bytes();
    if let Some(credentials) = &proxy.credentials {
        head.extend_from_slice(b"proxy-authorization: ");
        head.extend_from_slice(credentials.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    let received = Exchange::of_connect(head).run(connection).await?;
    let status = received.head.status();
    if !status.is_success() {
        return Err(TransportError::Proxy {
            proxy: format!("{}:{}", proxy.host, proxy.port),
            status: status.as_u16(),
        });
    }
    if !connection.unused().is_empty() {
        // They are the proxy's own, and no part of what comes out of the tunnel.
        let reason = "the proxy sent bytes before the tunnel was used".to_owned();
        return Err(TransportError::MalformedResponse { reason });
    }
    Ok(())
}
