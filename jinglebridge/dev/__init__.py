"""`jinglebridge dev`: a private Prosody, the component and the page, with one command."""
