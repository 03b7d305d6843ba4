import type { Guide } from 'healthz'

export const guide: Guide = {
  example: `- story: rabbitmq
  name: rabbitmq
  every: 1m
  with:
    nodes: [http://mq-1:15672, http://mq-2:15672, http://mq-3:15672]
    user: healthz
    password: \${file:/run/secrets/rabbitmq}
    amqp: [amqp://mq-1:5672, amqp://mq-2:5672, amqp://mq-3:5672]
    expect: [orders]
    deadLetter: ['*.dlq']
  steps:
    backlog: { max: 5000, queues: { mail: 20000 } }
`,
  rights: `rabbitmqctl add_user healthz PASSWORD
rabbitmqctl set_user_tags healthz monitoring
# on each virtual host; it may look, and neither read nor write
rabbitmqctl set_permissions -p / healthz '^$' '^$' '^$'
# for the cures of vhosts, backlog and unacked; that of no-consumer takes a login at supervisord instead
rabbitmqctl set_user_tags healthz administrator
`,
}
