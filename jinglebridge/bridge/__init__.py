"""Call control: one inbox task per call, between a signalling port and a media port."""
