import { describe, expect, test } from 'vitest'
import { timeLeft, withPoint } from '../../../../stories/host/disk-fill.ts'
import { parseFileNr } from '../../../../stories/host/fd.ts'
import { fitLine } from '../../../../stories/host/fit.ts'
import { parseVictim } from '../../../../stories/host/kernel-log.ts'
import { countProcessors } from '../../../../stories/host/load.ts'
import { parseMeminfo, parseVmstat } from '../../../../stories/host/meminfo.ts'
import {
  isOnDisk,
  isRemote,
  parseFstab,
  parseMountinfo,
  withoutDoubles,
} from '../../../../stories/host/mounts.ts'
import { parseNetDev } from '../../../../stories/host/net-errors.ts'
import { parseSynchronized, parseTracking } from '../../../../stories/host/ntp.ts'
import { parsePressure } from '../../../../stories/host/pressure.ts'

describe('mounts', () => {
  const text = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
30 27 254:0 /var/lib/x /srv/x rw,relatime - ext4 /dev/vda rw,discard
31 27 254:1 / /mnt/a\\040b ro,relatime shared:5 - xfs /dev/vdb rw
32 27 254:2 / /broken rw,relatime - ext4 /dev/vdc ro,errors=remount-ro
33 27 0:40 / /mnt/nfs rw,relatime - nfs4 server:/export rw,vers=4.2
34 27 0:41 / /run rw,nosuid - tmpfs tmpfs rw,size=10240k
35 27 0:42 / /var/lib/docker/overlay2/1/merged rw - overlay overlay rw,lowerdir=/a
36 27 7:1 / /snap/core/1 ro,nodev - squashfs /dev/loop1 ro
`
  const mounts = parseMountinfo(text)
  const at = (target: string) => mounts.find((mount) => mount.target === target) ?? expect.fail(target)

  test('are read with their escapes, optional fields and the file system’s own flags', () => {
    expect(at('/mnt/a b')).toEqual({
      device: '254:1',
      target: '/mnt/a b',
      type: 'xfs',
      isReadOnly: false,
    })
    expect(at('/broken').isReadOnly).toBe(true)
  })

  test('of local disks are told from the rest, once for each disk', () => {
    const disks = withoutDoubles(mounts.filter(isOnDisk))
    expect(disks.map(({ target }) => target)).toEqual(['/', '/broken', '/mnt/a b'])
  })

  test('of a container have an overlay as root, which counts', () => {
    const [root] = parseMountinfo('900 800 0:99 / / rw - overlay overlay rw,lowerdir=/a\n')
    expect(root && isOnDisk(root)).toBe(true)
  })

  test('that may hang are known', () => {
    expect(mounts.filter(isRemote).map(({ target }) => target)).toContain('/mnt/nfs')
    expect(isRemote(at('/'))).toBe(false)
    expect(isRemote(at('/run'))).toBe(false)
  })

  test('in fstab that are meant to be read-only are known', () => {
    const fstab = parseFstab(
      '# comment\n\nUUID=1 / ext4 defaults 0 1\n/dev/sr0 /media/cd iso9660 ro,user 0 0\n',
    )
    expect([...fstab.named]).toEqual(['/', '/media/cd'])
    expect([...fstab.readOnly]).toEqual(['/media/cd'])
  })
})

describe('fitLine', () => {
  test('finds the line through points on it', () => {
    expect(fitLine([0, 1, 2, 3].map((x) => [x, 5 + 2 * x]))).toEqual({ slope: 2, r2: 1 })
  })

  test('says how little a line explains', () => {
    const line = fitLine([
      [0, 0],
      [1, 10],
      [2, 0],
      [3, 10],
      [4, 0],
    ])
    expect(line?.slope).toBe(0)
    expect(line?.r2).toBe(0)
  })

  test('needs three points with different x', () => {
    expect(fitLine([])).toBeNull()
    expect(
      fitLine([
        [0, 1],
        [1, 2],
      ]),
    ).toBeNull()
    expect(
      fitLine([
        [1, 1],
        [1, 2],
        [1, 3],
      ]),
    ).toBeNull()
  })
})

describe('a disk that fills', () => {
  const minute = 60_000
  const steady = (minutes: number, perMinute: number) =>
    Array.from({ length: minutes / 5 + 1 }, (_, i) => [i * 5 * minute, 1000 + i * 5 * perMinute] as const)

  test('is full when its free space is used up at the pace of the last hours', () => {
    expect(timeLeft(steady(120, 1), 600 * 1_048_576)?.ms).toBeCloseTo(10 * 3_600_000, 0)
  })

  test('says nothing after less than an hour, or while it shrinks or wavers', () => {
    expect(timeLeft(steady(55, 1), 1e9)).toBeNull()
    expect(timeLeft(steady(120, -1), 1e9)).toBeNull()
    const wavering = steady(120, 0).map(([at, used], i) => [at, used + (i % 2) * 100 + i] as const)
    expect(timeLeft(wavering, 1e9)).toBeNull()
  })

  test('keeps a point every five minutes, for three hours', () => {
    let points = withPoint([], 0, 1000)
    for (let i = 1; i <= 400; i += 1) points = withPoint(points, i * minute, 1000 + i)
    expect(points).toHaveLength(37)
    expect(withPoint(points, 400 * minute + 1000, 1400)).toBe(points)
  })

  test('begins anew after a clean-up', () => {
    expect(withPoint([[0, 1000]], minute, 900)).toEqual([[minute, 900]])
  })
})

test('parseMeminfo needs the kernel’s own estimate', () => {
  const text = 'MemTotal:       24684084 kB\nMemFree:        23600292 kB\nMemAvailable:   24075352 kB\n'
  expect(parseMeminfo(`${text}SwapTotal:             8 kB\n`)).toEqual({
    total: 24_684_084 * 1024,
    available: 24_075_352 * 1024,
    swapTotal: 8192,
  })
  expect(parseMeminfo('MemTotal:       24684084 kB\nMemFree:        23600292 kB\n')).toBeNull()
})

test('parseVmstat tells a counter from one that is not kept', () => {
  expect(parseVmstat('pswpin 7\noom_kill 2\n', 'oom_kill')).toBe(2)
  expect(parseVmstat('pswpin 7\n', 'oom_kill')).toBeNull()
})

test('parsePressure reads averages, with or without those of full', () => {
  const some = 'some avg10=2.80 avg60=7.87 avg300=7.62 total=61565346\n'
  expect(parsePressure(some)).toEqual({ some: { avg10: 2.8, avg60: 7.87, avg300: 7.62 }, full: null })
  expect(parsePressure(`${some}full avg10=0.00 avg60=0.06 avg300=0.20 total=5960555\n`)?.full?.avg60).toBe(
    0.06,
  )
  expect(parsePressure(null)).toBeNull()
})

test('parseFileNr counts handles in use', () => {
  expect(parseFileNr('805\t5\t2466170\n')).toEqual({ open: 800, max: 2_466_170 })
  expect(parseFileNr('')).toBeNull()
})

test('countProcessors counts those that are there', () => {
  expect(countProcessors('cpu  1 2\ncpu0 1 2\ncpu1 1 2\nintr 5\n')).toBe(2)
})

test('parseNetDev sums both directions and leaves out the loopback', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 7400507   15236    0    0    0     0          0         0  7400507   15236    0    0    0     0       0          0
  eth0: 538864175   13400    1    2    0     0          0         0   840844    7857    3    4    0     0       0          0
`
  expect(parseNetDev(text)).toEqual({ eth0: { packets: 21_257, bad: 10 } })
})

describe('time services', () => {
  const tracking =
    'A29FC87B,162.159.200.123,4,1795215405.1,0.000012,0.00001,0.00002,-3.1,0.001,0.05,0.01,0.002,64.2,'

  test('chrony says whether it is synchronized', () => {
    expect(parseTracking(`${tracking}Normal\n`)).toBe(true)
    expect(parseTracking(`${tracking}Not synchronised\n`)).toBe(false)
    expect(parseTracking('506 Cannot talk to daemon\n')).toBeNull()
    expect(parseTracking(null)).toBeNull()
  })

  test('systemd says whether the kernel’s clock is', () => {
    expect(parseSynchronized('NTPSynchronized=yes\n')).toBe(true)
    expect(parseSynchronized('NTPSynchronized=no\n')).toBe(false)
    expect(parseSynchronized(null)).toBeNull()
  })
})

test('parseVictim finds the last process that the kernel killed', () => {
  const log = `3,1,1,-;Out of memory: Killed process 12 (java) total-vm:1kB
3,2,2,-;Memory cgroup out of memory: Killed process 7855 (tmux: server) total-vm:68216kB, anon-rss:29000kB
`
  expect(parseVictim(log)).toBe('tmux: server')
  expect(parseVictim('')).toBeNull()
})
