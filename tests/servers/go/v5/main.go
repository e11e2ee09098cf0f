// A TURN server on pion/turn v5.
// It listens on UDP, TCP and, where a certificate is given, TLS, and runs until it is ended.
package main

import (
	"crypto/tls"
	"flag"
	"log"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/pion/logging"
	"github.com/pion/turn/v5"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:3478", "address for UDP and TCP")
	tlsListen := flag.String("tls", "", "address for TLS")
	cert := flag.String("cert", "", "certificate chain")
	key := flag.String("key", "", "private key")
	user := flag.String("user", "probe", "user name")
	password := flag.String("password", "", "password")
	secret := flag.String("secret", "", "shared secret of time-limited credentials")
	quota := flag.Int64("quota", 1<<30, "allocations at a time")
	flag.Parse()

	const realm = "pion.test"
	auth := turn.AuthHandler(func(asked *turn.RequestAttributes) (string, []byte, bool) {
		return asked.Username, turn.GenerateAuthKey(*user, asked.Realm, *password), asked.Username == *user
	})
	if *secret != "" {
		auth = turn.LongTermTURNRESTAuthHandler(*secret, logging.NewDefaultLoggerFactory().NewLogger("auth"))
	}
	host, _, err := net.SplitHostPort(*listen)
	check(err)
	relays := func() turn.RelayAddressGenerator {
		return &turn.RelayAddressGeneratorStatic{RelayAddress: net.ParseIP(host), Address: host}
	}
	packets, err := net.ListenPacket("udp4", *listen)
	check(err)
	streams, err := net.Listen("tcp4", *listen)
	check(err)
	listeners := []turn.ListenerConfig{{Listener: streams, RelayAddressGenerator: relays()}}
	if *tlsListen != "" {
		pair, err := tls.LoadX509KeyPair(*cert, *key)
		check(err)
		secure, err := tls.Listen("tcp4", *tlsListen, &tls.Config{Certificates: []tls.Certificate{pair}})
		check(err)
		listeners = append(listeners, turn.ListenerConfig{Listener: secure, RelayAddressGenerator: relays()})
	}
	var allocated atomic.Int64
	// Counted before the allocation is made: two that ask at once are no more than one after another.
	grant := func(_, _ string, _ net.Addr) bool {
		if allocated.Add(1) <= *quota {
			return true
		}
		allocated.Add(-1)
		return false
	}
	server, err := turn.NewServer(turn.ServerConfig{
		Realm:             realm,
		AuthHandler:       auth,
		QuotaHandler:      grant,
		PacketConnConfigs: []turn.PacketConnConfig{{PacketConn: packets, RelayAddressGenerator: relays()}},
		ListenerConfigs:   listeners,
		EventHandler: turn.EventHandler{
			OnAllocationDeleted: func(_, _ net.Addr, _, _, _ string) { allocated.Add(-1) },
		},
	})
	check(err)
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	<-ended
	check(server.Close())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
