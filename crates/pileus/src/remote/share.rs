//! `pileus share`.

use std::io::{self, Write};

use pileus_api::Code;
use pileus_api::args::{FolderArg, FolderRef};
use pileus_api::sharing::{
    AcceptShare, CancelShareRequest, DeclineShare, ListShares, MountArg, RemoveShare, RequestArg,
    ShareFolder, ShareInfo,
};
use pileus_client::Client;

use super::args::ShareArgs;
use super::error::Error;
use super::{session, tree};

/// Rights in a share, as the API adds them up.
const CREATE: u64 = 1;
const MODIFY: u64 = 2;
const DELETE: u64 = 4;

/// Runs one of the commands. Each does one thing, so there are no failures that let it go on.
pub async fn run(command: ShareArgs) -> Result<usize, Error> {
    match command {
        ShareArgs::List { server } => list(&session::open(&server).await?).await?,
        ShareArgs::Offer {
            server,
            create,
            modify,
            delete,
            message,
            path,
            email,
        } => {
            let right = |is_given: bool, bit: u64| if is_given { bit } else { 0 };
            let call = ShareFolder {
                folder: FolderArg(FolderRef::Path(tree::path(&path)?)),
                mail: email.clone(),
                permissions: right(create, CREATE) | right(modify, MODIFY) | right(delete, DELETE),
                name: None,
                message,
            };
            let client = session::open(&server).await?;
            client.call(&call).await.map_err(Error::remote(path))?;
        }
        ShareArgs::Accept {
            server,
            name,
            offer,
        } => {
            let call = AcceptShare {
                request: RequestArg::Id(offer),
                name,
                into: MountArg(Some(FolderRef::Id(0))),
                always: false,
            };
            let client = session::open(&server).await?;
            let accepted = client.call(&call).await.map_err(about_offer(offer))?;
            tell(&format!("/{}", accepted.metadata.name))?;
        }
        ShareArgs::Decline { server, offer } => {
            decline(&session::open(&server).await?, offer).await?;
        }
        ShareArgs::End { server, share } => {
            let client = session::open(&server).await?;
            let ended = client.call(&RemoveShare { shareid: share }).await;
            ended.map_err(Error::remote(format!("share {share}")))?;
        }
    }
    Ok(0)
}

fn about_offer(offer: u64) -> impl FnOnce(pileus_client::Error) -> Error {
    Error::remote(format!("offer {offer}"))
}

/// Ends an offer, whichever side of it the account is.
async fn decline(client: &Client, offer: u64) -> Result<(), Error> {
    let cancel = CancelShareRequest {
        sharerequestid: offer,
    };
    match client.call(&cancel).await {
        Err(error) if error.is(Code::REQUEST_MISSING) => {
            let decline = DeclineShare {
                request: RequestArg::Id(offer),
                block: false,
            };
            let declined = client.call(&decline).await;
            declined.map(drop).map_err(about_offer(offer))
        }
        done => done.map(drop).map_err(about_offer(offer)),
    }
}

async fn list(client: &Client) -> Result<(), Error> {
    let call = ListShares {
        norequests: false,
        noshares: false,
        noincoming: false,
        nooutgoing: false,
    };
    let listed = client.call(&call).await.map_err(Error::remote("shares"))?;
    let kinds = [("share", listed.shares), ("offer", listed.requests)];
    for (kind, ways) in kinds {
        let Some(ways) = ways else { continue };
        for share in ways.incoming.iter().flatten() {
            tell(&line(kind, "from", share.frommail.as_deref(), share))?;
        }
        for share in ways.outgoing.iter().flatten() {
            tell(&line(kind, "to", share.tomail.as_deref(), share))?;
        }
    }
    Ok(())
}

/// One share or offer: its number, who it is with, what the recipient may do, and its name.
fn line(kind: &str, way: &str, mail: Option<&str>, share: &ShareInfo) -> String {
    let id = share.shareid.or(share.sharerequestid).unwrap_or(0);
    let rights: Vec<&str> = [
        (share.canread, "read"),
        (share.cancreate, "create"),
        (share.canmodify, "modify"),
        (share.candelete, "delete"),
    ]
    .into_iter()
    .filter(|(is_given, _)| *is_given == Some(true))
    .map(|(_, right)| right)
    .collect();
    let (mail, name) = (mail.unwrap_or_default(), share.sharename.as_deref());
    let name: String = name
        .unwrap_or_default()
        .chars()
        .filter(|char| !char.is_control())
        .collect();
    format!("{kind} {id}  {way} {mail}  {}  {name}", rights.join(","))
}

fn tell(line: &str) -> Result<(), Error> {
    writeln!(io::stdout(), "{line}").map_err(Error::local("standard output"))
}
