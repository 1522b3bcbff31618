"""What comes of asking in vain. Loads nothing."""


class NoAnswer(Exception):
    """No scheduler answers there; the message says what was tried and what to do."""


class NoAnswerInTime(NoAnswer):
    """Somebody listens there, and is silent."""


class WentAway(NoAnswer):
    """Somebody was there, and closed the connection without an answer."""


class Refused(Exception):
    """A scheduler answered, and refused; the message is its own, or says what to do."""
