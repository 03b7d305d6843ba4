/**
 * CLUSTER NODES of Redis 7.0, with a slot on its way, a host name, a dead node, one that is just being met and one without
 * an address.
 */
export const recordedNodes = `aa 10.0.0.1:7001@17001,redis-1 myself,master - 0 1763700000000 1 connected 0-5460 [42->-bb] [77-<-cc]
bb 10.0.0.2:7002@17002 master - 0 1763700000000 2 connected 5461-10922 16000
cc 10.0.0.3:7003@17003 master,fail - 1763700000000 1763700000000 3 disconnected 10923-15999 16001-16383
dd [::1]:7004@17004 slave aa 0 1763700000000 1 connected
ee 10.0.0.5:7005@17005 slave,fail? bb 0 1763700000000 2 connected
ff 10.0.0.6:7006@17006 handshake - 0 0 0 connected
gg :0@0 slave,noaddr cc 0 0 3 disconnected
`
