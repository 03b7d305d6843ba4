import { describe, expect, test } from 'vitest'
import { mailOptions } from '../../../../channels/mail/options.ts'

const smtp = 'smtp://relay'
const to = 'ops@example.com'

describe('the options of a mail channel', () => {
  test('take one server and one recipient, or lists of them', () => {
    const one = mailOptions.parse({ smtp, to })
    expect(mailOptions.parse({ smtp: [smtp], to: [to] })).toEqual(one)
    expect(one).toMatchObject({ to: [{ name: '', address: to }], timeout: 10_000, insecure: false })
    expect(mailOptions.parse({ smtp: [smtp, 'smtps://b'], to }).smtp.map(({ url }) => url.href)).toEqual([
      'smtp://relay',
      'smtps://b',
    ])
  })

  test('hide the password of a server', () => {
    const { smtp: servers } = mailOptions.parse({ smtp: 'smtps://u:hunter2SECRET@b', to })
    expect(servers[0]?.password?.reveal()).toBe('hunter2SECRET')
    expect(JSON.stringify(servers)).not.toContain('hunter2')
  })

  test.each([
    ['ops@example.com', '', 'ops@example.com'],
    ['Ops Team <ops@example.com>', 'Ops Team', 'ops@example.com'],
    ['"Team, Ops" <ops@example.com>', 'Team, Ops', 'ops@example.com'],
    ['root@localhost', '', 'root@localhost'],
    ['ops@BÜCHER.example', '', 'ops@xn--bcher-kva.example'],
  ])('read the address %s', (text, name, address) => {
    expect(mailOptions.parse({ smtp, to: text }).to).toEqual([{ name, address }])
  })

  test.each([
    { smtp, to: 'ops' },
    { smtp, to: [] },
    { smtp, to: 'a@b, c@d' },
    { smtp, to: 'a@b\r\nBcc: c@d' },
    { smtp: 'http://relay', to },
    { smtp: [], to },
    { smtp },
    { smtp, to, subject: 'x' },
    { smtp, to, starttls: true },
  ])('refuse %j', (options) => {
    expect(mailOptions.safeParse(options).success).toBe(false)
  })

  test('never quote a password in a fault', () => {
    for (const server of ['smtp//u:hunter2SECRET@b', ['https://u:hunter2SECRET@b']]) {
      const { error } = mailOptions.safeParse({ smtp: server, to })
      expect(JSON.stringify(error)).not.toContain('hunter2')
      expect(error?.issues[0]?.message).toMatch(/mail server/)
    }
  })
})
