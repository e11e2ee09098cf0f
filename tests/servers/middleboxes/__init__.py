"""What stands between a client and a server: NATs, proxies, forwarders."""
