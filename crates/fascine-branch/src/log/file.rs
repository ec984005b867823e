use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use fascine_rt::{BoxFuture, Rt};

use crate::LogSink;

/// Appends the lines of a log to a file, which is made if there is none. Its folder has to be there.
///
/// All logs of a program may write to one file: their lines do not mix. The file is opened for each batch, where that may
/// block, and may be moved away in between. A batch that cannot be written whole is taken back; what was written is in the
/// hands of the operating system, not yet on the disk.
///
/// Of several programs only one should write to a file at a time.
#[derive(Clone, Debug)]
pub struct FileLog {
    rt: Rt,
    path: Arc<Path>,
}

impl FileLog {
    /// Makes one; the file is opened when there is something to write.
    pub fn new(rt: &Rt, path: impl Into<PathBuf>) -> Self {
        Self {
            rt: rt.clone(),
            path: path.into().into(),
        }
    }
}

impl LogSink for FileLog {
    fn append(&self, lines: Arc<[String]>) -> BoxFuture<Result<(), Box<dyn Error + Send + Sync>>> {
        let path = Arc::clone(&self.path);
        let appended = self.rt.unblock(move || append(&path, &lines));
        Box::pin(async move {
            appended.await??;
            Ok(())
        })
    }
}

fn append(path: &Path, lines: &[String]) -> io::Result<()> {
    let mut open = OpenOptions::new();
    let mut file = open.read(true).append(true).create(true).open(path)?;
    let turn = turn_of(path.canonicalize()?);
    let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
    let before = file.metadata()?.len();
    let mut text = String::new();
    if !ends_a_line(&mut file, before)? {
        text.push('\n');
    }
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    file.write_all(text.as_bytes()).inspect_err(|_| {
        // The lines come again, so none of them stays. If that fails too, half a line is ended next time.
        let _ = file.set_len(before);
    })
}

/// Whether the file ends with a line; a program that was cut off may have left half of one.
fn ends_a_line(file: &mut File, length: u64) -> io::Result<bool> {
    let Some(last) = length.checked_sub(1) else {
        return Ok(true);
    };
    let mut byte = [0];
    file.seek(SeekFrom::Start(last))?;
    file.read_exact(&mut byte)?;
    Ok(byte == *b"\n")
}

/// What whoever writes to this file holds meanwhile, by its real path.
fn turn_of(path: PathBuf) -> Arc<Mutex<()>> {
    static TURNS: Mutex<BTreeMap<PathBuf, Weak<Mutex<()>>>> = Mutex::new(BTreeMap::new());
    let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(turn) = turns.get(&path).and_then(Weak::upgrade) {
        return turn;
    }
    turns.retain(|_, turn| turn.strong_count() > 0);
    let turn = Arc::default();
    turns.insert(path, Arc::downgrade(&turn));
    turn
}
