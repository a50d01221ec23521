//! Feeds of those who follow what happens in shared folders of others; docs/decisions/shared-feeds.md has the reasons.

use crate::call::Answer;
use crate::cx::Edit;
use crate::rules::audience::flags_of;
use pileus_store::shares::Share;

impl Edit<'_, '_> {
    /// What happens in a shared folder from now on belongs to the feed of its recipient. The owner is locked.
    pub fn follow(&mut self, share: &Share) -> Answer<()> {
        let newest = self.newest_diffid(share.owner)?;
        Ok(self
            .tx
            .follow(share.recipient, share.folder, share.owner, newest)?)
    }

    /// Notes that an event of an owner happened in a shared folder of his.
    pub fn note_shared_event(&mut self, owner: i64, folder: i64, diffid: i64) -> Answer<()> {
        self.tx.note_shared_event(owner, folder, diffid)?;
        self.wake_followers(owner, folder, diffid);
        Ok(())
    }

    /// Gives what has happened in the folders that an account follows its place in the account's feed.
    pub fn place_news(&mut self, account: i64) -> Answer<()> {
        let Some(mut diffid) = self.feed_behind(account)? else {
            return Ok(());
        };
        for news in self.tx.news_of_followed(account)? {
            let flags = flags_of(news.permissions);
            let newest = self.tx.newest_stretch(account)?;
            let goes_on = newest.filter(|last| {
                (last.folder, last.flags, last.end()) == (news.folder, flags, diffid)
            });
            if let Some(last) = goes_on {
                self.tx.place_news_behind(account, last.diffid, &news)?;
                diffid += news.stop - last.stop;
            } else {
                self.tx.place_news(account, diffid + 1, &news, flags)?;
                diffid += 1 + news.stop - news.start;
            }
        }
        self.set_up_to_date(account, diffid)
    }
}
