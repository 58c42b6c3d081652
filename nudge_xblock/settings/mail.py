"""The settings of the Communicator's mail."""

from __future__ import annotations

from typing import Any


def mail() -> dict[str, Any]:
    """Return the name and default of every setting about letters."""
    return {
        # .. setting_name: NUDGE_SITE_URL
        # .. setting_default: ""
        # .. setting_description: Address of the site in the links of mails, such as
        #    "https://learn.example.org". Empty: the platform's LMS_ROOT_URL. Without either no mail is sent.
        "NUDGE_SITE_URL": "",
        # .. setting_name: NUDGE_MAIL_SENDERS
        # .. setting_default: {}
        # .. setting_description: Addresses that letters may come from: a list by course key, by organisation,
        #    or by "*" for every course. Only addresses that your mail server may send from belong here. What
        #    is not listed falls back to the addresses that the platform itself sends from.
        "NUDGE_MAIL_SENDERS": {},
        # .. setting_name: NUDGE_MAIL_KEY
        # .. setting_default: ""
        # .. setting_description: The secret behind unsubscribe links and the hashes of suppressed addresses.
        #    Empty: the site's SECRET_KEY; set this to its old value before that one is changed, or those who
        #    unsubscribed are forgotten.
        "NUDGE_MAIL_KEY": "",
        # .. setting_name: NUDGE_MAIL_PER_MINUTE
        # .. setting_default: 300
        # .. setting_description: The most mails that all workers together take up in a minute. 0: no limit.
        "NUDGE_MAIL_PER_MINUTE": 300,
        # .. setting_name: NUDGE_MAIL_BATCH
        # .. setting_default: 50
        # .. setting_description: Mails that a worker claims at once and sends over one connection.
        "NUDGE_MAIL_BATCH": 50,
        # .. setting_name: NUDGE_MAIL_SHARDS
        # .. setting_default: 2
        # .. setting_description: Celery tasks that share the sending of one letter.
        "NUDGE_MAIL_SHARDS": 2,
        # .. setting_name: NUDGE_MAIL_TRIES
        # .. setting_default: 4
        # .. setting_description: How often a mail is tried that the mail server refuses for the moment.
        "NUDGE_MAIL_TRIES": 4,
        # .. setting_name: NUDGE_MAIL_LEASE_MINUTES
        # .. setting_default: 15
        # .. setting_description: Minutes without a step after which a worker is taken for dead. Must be
        #    longer than a mail server may take to answer; EMAIL_TIMEOUT sets that.
        "NUDGE_MAIL_LEASE_MINUTES": 15,
        # .. setting_name: NUDGE_MAIL_PATIENCE_HOURS
        # .. setting_default: 48
        # .. setting_description: Hours that a mail is put off by quiet hours, caps or a mail server that does
        #    not answer, before it is left out for good.
        "NUDGE_MAIL_PATIENCE_HOURS": 48,
        # .. setting_name: NUDGE_MAIL_TRACKING
        # .. setting_default: False
        # .. setting_description: Whether mails count who opens them (a picture) and who follows their links
        #    (a redirect). Learners should be told; many laws ask for their consent.
        "NUDGE_MAIL_TRACKING": False,
        # .. setting_name: NUDGE_MAIL_BOUNCE_SECRET
        # .. setting_default: ""
        # .. setting_description: The secret with which your mail provider reports bounces and complaints, at
        #    least 16 characters. Empty: nobody may.
        "NUDGE_MAIL_BOUNCE_SECRET": "",
        # .. setting_name: NUDGE_MAIL_ACE_CHANNEL
        # .. setting_default: "django_email"
        # .. setting_description: The edx-ace channel that letters go through where the site uses edx-ace. It
        #    must pass headers on, or mail programs show no button to unsubscribe.
        "NUDGE_MAIL_ACE_CHANNEL": "django_email",
        # .. setting_name: NUDGE_LETTERS_MINUTES
        # .. setting_default: 0
        # .. setting_description: Every how many minutes Celery beat looks for letters whose time has come. 0:
        #    beat does not; run `manage.py lms nudge_letters` from cron instead.
        "NUDGE_LETTERS_MINUTES": 0,
    }
