"""Facts -> drafts of conversations, and what makes a draft acceptable."""
