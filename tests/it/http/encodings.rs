use std::sync::Arc;
use std::time::Duration;

use fascine::http::{Body, H1Transport, MemoryNet, Net, Transport, TransportError};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use futures_lite::AsyncWriteExt;

use super::server::{Server, get, read_request};

/// Answers with these pieces, a second apart, and gives what was asked for back in a header.
async fn answering(
    rt: &Rt,
    net: &Arc<dyn Net>,
    encoding: &'static str,
    pieces: Vec<Vec<u8>>,
) -> Server {
    let clock = rt.clone();
    Server::start(rt, net, move |mut socket| {
        let (clock, pieces) = (clock.clone(), pieces.clone());
        async move {
            let Some((head, _)) = read_request(&mut socket).await else {
                return;
            };
            let asked = head
                .lines()
                .find_map(|line| line.strip_prefix("accept-encoding: "));
            let asked = asked.unwrap_or("nothing");
            let head = format!(
                "HTTP/1.1 200 OK\r\nx-asked: {asked}\r\ncontent-encoding: {encoding}\r\n\
                 transfer-encoding: chunked\r\n\r\n"
            );
            let _ = socket.write_all(head.as_bytes()).await;
            for piece in pieces {
                let size = format!("{:x}\r\n", piece.len());
                let chunk = [size.as_bytes(), &piece, b"\r\n"].concat();
                let _ = socket.write_all(&chunk).await;
                clock.sleep(Duration::from_secs(1)).await;
            }
            let _ = socket.write_all(b"0\r\n\r\n").await;
        }
    })
    .await
}

/// Reads that answer to its end, and says when each piece of it came.
fn receive(
    with: fn(H1Transport) -> H1Transport,
    encoding: &'static str,
    pieces: Vec<Vec<u8>>,
    limit: usize,
) -> Result<Vec<(u64, String)>, TransportError> {
    let result = Arc::new(std::sync::Mutex::new(None));
    TestRuntime::run(|rt| {
        let (result, pieces) = (Arc::clone(&result), pieces.clone());
        async move {
            let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
            let server = answering(&rt, &net, encoding, pieces).await;
            let transport = with(H1Transport::new(&rt, net));
            let response = transport.send(get(&server.url)).await.unwrap();
            assert!(!response.headers().contains_key("content-encoding"));
            assert!(!response.headers().contains_key("content-length"));
            let asked = response.headers()["x-asked"].to_str().unwrap();
            assert!(asked.contains(encoding), "{asked}");
            let read = read(&rt, response.into_body(), limit).await;
            *result.lock().unwrap() = Some(read);
        }
    });
    result.lock().unwrap().take().unwrap()
}

async fn read(rt: &Rt, mut body: Body, limit: usize) -> Result<Vec<(u64, String)>, TransportError> {
    let started = rt.now();
    let mut pieces = Vec::new();
    let mut total = 0;
    while let Some(piece) = body.chunk().await? {
        assert!(piece.len() <= 1 << 20, "{} bytes in one piece", piece.len());
        total += piece.len();
        if total > limit {
            let what = "body";
            return Err(TransportError::TooLarge { what, limit });
        }
        let piece = String::from_utf8_lossy(&piece).into_owned();
        pieces.push(((rt.now() - started).as_secs(), piece));
    }
    Ok(pieces)
}

fn events() -> Vec<(u64, String)> {
    vec![
        (0, "data: one\n\n".to_owned()),
        (1, "data: two\n\n".to_owned()),
    ]
}

#[test]
fn a_transport_that_decodes_nothing_asks_for_nothing_and_changes_nothing() {
    TestRuntime::run(|rt| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let server = answering(&rt, &net, "gzip", vec![b"as it is".to_vec()]).await;
        let response = H1Transport::new(&rt, net)
            .send(get(&server.url))
            .await
            .unwrap();
        assert_eq!(response.headers()["x-asked"], "nothing");
        assert_eq!(response.headers()["content-encoding"], "gzip");
        assert_eq!(response.into_body().collect(100).await.unwrap(), "as it is");
    });
}

#[cfg(feature = "gzip")]
mod gzip {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn compressed(flushed_after: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let mut pieces = Vec::new();
        for part in flushed_after {
            encoder.write_all(part).unwrap();
            encoder.flush().unwrap();
            pieces.push(std::mem::take(encoder.get_mut()));
        }
        pieces.push(encoder.finish().unwrap());
        pieces
    }

    #[test]
    fn events_come_when_they_are_sent_not_when_the_next_one_is() {
        let pieces = compressed(&[b"data: one\n\n", b"data: two\n\n"]);
        assert_eq!(
            receive(H1Transport::with_gzip, "gzip", pieces, 1000).unwrap(),
            events()
        );
    }

    #[test]
    fn what_the_caller_asked_for_is_the_callers_to_decode() {
        TestRuntime::run(|rt| async move {
            let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
            let whole = compressed(&[b"hello"]).concat();
            let server = answering(&rt, &net, "gzip", vec![whole.clone()]).await;
            let mut request = get(&server.url);
            let asked = http::HeaderValue::from_static("gzip;q=1");
            request.headers_mut().insert("accept-encoding", asked);
            let transport = H1Transport::new(&rt, net).with_gzip();
            let response = transport.send(request).await.unwrap();
            assert_eq!(response.headers()["x-asked"], "gzip;q=1");
            assert_eq!(response.headers()["content-encoding"], "gzip");
            assert_eq!(response.into_body().collect(1000).await.unwrap(), whole);
        });
    }

    #[test]
    fn it_may_be_cut_anywhere_and_come_in_several_members() {
        let whole = compressed(&[b"hello "]).concat();
        let whole = [whole, compressed(&[b"world"]).concat()].concat();
        for cut in 1..whole.len() {
            let pieces = vec![whole[..cut].to_vec(), whole[cut..].to_vec()];
            let pieces = receive(H1Transport::with_gzip, "gzip", pieces, 1000).unwrap();
            let text: String = pieces.into_iter().map(|(_, text)| text).collect();
            assert_eq!(text, "hello world", "cut at {cut}");
        }
    }

    #[test]
    fn what_is_cut_short_or_damaged_is_an_error() {
        let whole = compressed(&[b"hello hello hello"]).concat();
        let failed = |bytes: &[u8]| {
            let received = receive(H1Transport::with_gzip, "gzip", vec![bytes.to_vec()], 1000);
            matches!(
                received,
                Err(TransportError::ContentEncoding {
                    encoding: "gzip",
                    ..
                })
            )
        };
        for cut in 1..whole.len() {
            assert!(failed(&whole[..cut]), "cut at {cut}");
        }
        let mut damaged = whole.clone();
        let checksum = damaged.len() - 6;
        damaged[checksum] ^= 1;
        assert!(failed(&damaged));
        assert!(failed(b"this is no gzip"));
        assert!(failed(&[whole.as_slice(), b"more"].concat()));
    }

    #[test]
    fn a_bomb_is_bounded_by_what_is_accepted_of_the_body() {
        let bomb = compressed(&[&vec![0; 100 << 20]]).concat();
        assert!(bomb.len() < 200_000);
        let error = receive(H1Transport::with_gzip, "gzip", vec![bomb], 1 << 21).unwrap_err();
        assert!(matches!(error, TransportError::TooLarge { .. }), "{error}");
    }
}

#[cfg(feature = "brotli")]
mod brotli {
    use super::*;

    /// `data: one`, `data: two` and the end, flushed after each; made with the reference encoder.
    const EVENTS: [&[u8]; 3] = [
        b"\xa0\x00\x10data: one\n\n",
        b"P\x00\x00@Z\xe1\x8d\xeeN\x11\xa2J\x04\xb6`\x00",
        b"\x03",
    ];
    /// 64 MiB of zeros.
    const BOMB: &[u8] = b"\xcb\xff\xff\x3f\x00\x24\x00\xe2\xb1\x40\x72\xef\xff\xf8\xff\xff\x07\x80\x04\x40\x1c\x16\
        \x80\xee\xfd\x1f\xff\xff\xff\x00\x90\x00\x88\xc3\x02\xd0\xbd\xff\xe3\xff\xff\x1f\x00\x12\x00\x71\x58\x00\xba\
        \xf7\x7f\xfc\xff\xff\x03\x40\x02\x20\x0e\x0b\x40\xf7\xfe\x8f\xff\xff\x7f\x00\x48\x00\xc4\x61\x01\xe8\xde\xff\
        \xf1\xff\xff\x0f\x00\x09\x80\x38\x2c\x00\xdd\xfb\x3f\xfe\xff\xff\x01\x20\x01\x10\x87\x05\xa0\x7b\xff\x37";

    #[test]
    fn events_come_when_they_are_sent_not_when_the_next_one_is() {
        let pieces = EVENTS.map(<[u8]>::to_vec).to_vec();
        assert_eq!(
            receive(H1Transport::with_brotli, "br", pieces, 1000).unwrap(),
            events()
        );
    }

    #[test]
    fn what_is_cut_short_or_damaged_is_an_error() {
        let whole = EVENTS.concat();
        let failed = |bytes: &[u8]| {
            let received = receive(H1Transport::with_brotli, "br", vec![bytes.to_vec()], 1000);
            matches!(
                received,
                Err(TransportError::ContentEncoding { encoding: "br", .. })
            )
        };
        for cut in 1..whole.len() {
            assert!(failed(&whole[..cut]), "cut at {cut}");
        }
        assert!(failed(b"\xFF\xFF\xFF this is no brotli"));
        assert!(failed(&[whole.as_slice(), b"more"].concat()));
    }

    #[test]
    fn a_bomb_is_bounded_by_what_is_accepted_of_the_body() {
        let error = receive(H1Transport::with_brotli, "br", vec![BOMB.to_vec()], 1 << 21);
        let error = error.unwrap_err();
        assert!(matches!(error, TransportError::TooLarge { .. }), "{error}");
    }
}
