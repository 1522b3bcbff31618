"""Headers of every answer: nothing of it is for a browser to show, run or keep."""

SAFE_HEADERS = {
    "Content-Type": "application/json",
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Server": "bistro-tui",
}
