import { expect, test } from 'vitest'
import { parsePings, whyNoPings } from '../../../../stories/net/ping-output.ts'

const iputils = `PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.
64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=0.021 ms

--- 127.0.0.1 ping statistics ---
5 packets transmitted, 4 received, 20% packet loss, time 805ms
rtt min/avg/max/mdev = 0.021/0.034/0.051/0.010 ms
`

const lost = `PING 10.9.9.2 (10.9.9.2) 56(84) bytes of data.

--- 10.9.9.2 ping statistics ---
5 packets transmitted, 0 received, 100% packet loss, time 816ms

`

const unreachable = `PING 10.9.9.2 (10.9.9.2) 56(84) bytes of data.
From 10.9.9.1 icmp_seq=1 Destination Host Unreachable

--- 10.9.9.2 ping statistics ---
5 packets transmitted, 0 received, +5 errors, 100% packet loss, time 815ms
pipe 2
`

const busybox = `PING 127.0.0.1 (127.0.0.1): 56 data bytes

--- 127.0.0.1 ping statistics ---
5 packets transmitted, 5 packets received, 0% packet loss
round-trip min/avg/max = 0.050/0.066/0.095 ms
`

const inetutils = `--- 127.0.0.1 ping statistics ---
5 packets transmitted, 5 packets received, 0% packet loss
round-trip min/avg/max/stddev = 0.030/0.055/0.061/0.012 ms
`

test.each([
  ['iputils', iputils, { sent: 5, received: 4, average: 0.034 }],
  ['iputils, all lost', lost, { sent: 5, received: 0, average: null }],
  ['iputils, unreachable', unreachable, { sent: 5, received: 0, average: null }],
  ['BusyBox', busybox, { sent: 5, received: 5, average: 0.066 }],
  ['inetutils', inetutils, { sent: 5, received: 5, average: 0.055 }],
  ['nothing', 'Terminated', null],
])('the counts of %s are read', (_name, output, pings) => {
  expect(parsePings(output)).toEqual(pings)
})

test.each([
  ['ping: nosuch.invalid: Name or service not known', 'unknown-name'],
  ["ping: bad address 'nosuch.invalid'", 'unknown-name'],
  ['ping: socktype: SOCK_RAW\nping: socket: Operation not permitted', 'not-permitted'],
  ['ping: permission denied (are you root?)', 'not-permitted'],
  ['ping: connect: Network is unreachable', 'unreachable'],
  ['ping: something else', null],
])('%s', (output, why) => {
  expect(whyNoPings(output)).toBe(why)
})
