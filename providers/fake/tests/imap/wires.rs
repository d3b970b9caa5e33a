//! Compression, the dialer, and the same bytes for the same commands.

use std::io::ErrorKind;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use postrider_fake::{Action, FakeDialer, FaultPlan, Served, Server, Trigger};
use postrider_net::{Dialer as _, Endpoint};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::transcript::{all, three};

#[tokio::test(start_paused = true)]
async fn a_compressed_connection() {
    let (server, anna) = three(all());
    anna.append("INBOX", vec![b'z'; 200_000], &[], crate::transcript::date("2024-01-01T00:00:00Z")).unwrap();
    let (mut client, side) = tokio::io::duplex(1 << 20);
    let session = async {
        client.write_all(b"1 LOGIN anna secret\r\n2 COMPRESS DEFLATE\r\n").await.unwrap();
        let mut plain = Vec::new();
        while !plain.ends_with(b"compressing\r\n") {
            plain.push(client.read_u8().await.unwrap());
        }
        let mut packed = Vec::with_capacity(1_000);
        let commands = b"3 SELECT INBOX\r\n4 UID FETCH 4 BODY.PEEK[]\r\n5 COMPRESS DEFLATE\r\n6 LOGOUT\r\n";
        let mut deflate = Compress::new(Compression::default(), false);
        deflate.compress_vec(commands, &mut packed, FlushCompress::Sync).unwrap();
        client.write_all(&packed).await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        let mut out = Vec::with_capacity(1 << 20);
        Decompress::new(false).decompress_vec(&answer, &mut out, FlushDecompress::Sync).unwrap();
        assert!(answer.len() < 10_000, "{} octets are not compressed", answer.len());
        String::from_utf8(out).unwrap()
    };
    let (text, _) = tokio::join!(session, postrider_fake::serve(&server, side, FaultPlan::none()));
    assert!(text.contains(&"z".repeat(200_000)));
    assert!(text.contains("5 BAD the connection is compressed already"));
    assert!(text.ends_with("6 OK done\r\n"));
    assert_eq!(server.violations().len(), 1);
}

async fn talk(dialer: &FakeDialer, at: &Endpoint, commands: &str) -> String {
    let mut wire = dialer.dial(at).await.unwrap();
    wire.write_all(commands.as_bytes()).await.unwrap();
    let mut said = String::new();
    wire.read_to_string(&mut said).await.unwrap();
    said
}

fn served(server: &Server) -> Vec<(u64, String)> {
    server.take_served().into_iter().map(|Served { connection, command }| (connection, command)).collect()
}

#[tokio::test(start_paused = true)]
async fn the_dialer_gives_each_connection_its_faults() {
    let (server, _) = three(all());
    let (dialer, at) = (FakeDialer::new(), Endpoint::new("imap.example.com", 143));
    let elsewhere = Endpoint::new("nowhere.example.com", 143);
    assert_eq!(dialer.dial(&elsewhere).await.err().unwrap().kind(), ErrorKind::NotFound);
    dialer.add(at.clone(), &server);
    dialer.plan(&at, 2, FaultPlan::none().on(Trigger::Greeting, Action::Bye("not you")));
    assert!(talk(&dialer, &at, "1 LOGOUT\r\n").await.ends_with("1 OK done\r\n"));
    assert_eq!(talk(&dialer, &at, "").await, "* BYE not you\r\n");
    assert!(talk(&dialer, &at, "1 UID FETCH 1 UID\r\n2 LOGOUT\r\n").await.contains("1 BAD"));
    dialer.refuse(&at, true);
    assert_eq!(dialer.dial(&at).await.err().unwrap().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(dialer.dialled(&at), 4);
    let names = [(1, "LOGOUT"), (3, "UID FETCH"), (3, "LOGOUT")];
    assert_eq!(served(&server), names.map(|(connection, name)| (connection, name.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_cut_network_ends_every_connection() {
    let (server, _) = three(all());
    let (dialer, at) = (FakeDialer::new(), Endpoint::new("imap.example.com", 143));
    dialer.add(at.clone(), &server);
    let mut wire = dialer.dial(&at).await.unwrap();
    assert_eq!(wire.read_u8().await.unwrap(), b'*');
    dialer.cut_all();
    let mut rest = Vec::new();
    wire.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(b"ready\r\n"));
}

#[tokio::test(start_paused = true)]
async fn the_same_commands_give_the_same_bytes() {
    let commands = "1 LOGIN anna secret\r\n2 SELECT INBOX\r\n3 UID STORE 1:* +FLAGS (b A)\r\n4 LIST \"\" *\r\n\
        5 UID FETCH 1:* (FLAGS MODSEQ EMAILID)\r\n6 UID COPY 1:* INBOX\r\n7 LOGOUT\r\n";
    let mut said = Vec::new();
    for _ in 0..2 {
        let (server, _) = three(all());
        let (dialer, at) = (FakeDialer::new(), Endpoint::new("imap.example.com", 143));
        dialer.add(at.clone(), &server);
        said.push(talk(&dialer, &at, commands).await);
    }
    assert_eq!(said[0], said[1]);
    assert!(said[0].contains("[COPYUID 1000 1:3 4:6]"));
}
