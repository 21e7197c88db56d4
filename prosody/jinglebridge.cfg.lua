-- jinglebridge beside an existing Prosody (0.12 or 13.0); prosody/README.md explains every line.
-- Yours to change: example.org and its names, and what says change-me.

---- Global section: above the first VirtualHost ---------------------------------------------------

-- Add these five to the modules_enabled that is already there.
modules_enabled = {
	"bosh";
	"websocket";
	"external_services";
	"turn_external";
	"limits";
}

-- How much a connection may send: a call begins with up to 40 KB, an attack never ends.
limits = { c2s = { rate = "30kb/s" }, s2sin = { rate = "100kb/s" } }

-- BOSH and WebSocket behind TLS that ends at a reverse proxy on this machine.
http_interfaces = { "127.0.0.1" }
trusted_proxies = { "127.0.0.1" }
consider_bosh_secure = true
consider_websocket_secure = true
http_default_host = "example.org"

-- Pages of these origins may connect, besides the bridge's own page.
http_cors_override = {
	bosh = { enabled = true; origins = { "https://call.example.org" } };
	websocket = { enabled = true; origins = { "https://call.example.org" } };
}

-- STUN and TURN for the callers: a coturn that knows the same secret.
turn_external_host = "turn.example.org"
turn_external_secret = "change-me: static-auth-secret of coturn"
turn_external_ttl = 3600

---- Hosts -----------------------------------------------------------------------------------------

-- Callers without an account, if you want them.
VirtualHost "anon.example.org"
	authentication = "anonymous"

-- The bridge.
Component "bridge.example.org"
	component_secret = "change-me: openssl rand -base64 24"
