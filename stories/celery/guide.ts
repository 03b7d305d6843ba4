import type { Guide } from 'healthz'

export const guide: Guide = {
  example: `- story: celery
  with:
    broker: redis://redis1:6379/0
    user: healthz
    password: \${CELERY_BROKER_PASSWORD}
    queues: [celery, mail]
    expectWorkers: [w1@host1, w2@host2]
    programs:
      - supervisor: http://host1:9001
        user: healthz
        password: \${SUPERVISOR_PASSWORD}
        program: celery:*
        workers: ['*@host1']
`,
  rights: `# Redis: each queue of the option "queues" as a key, and the database in the name of the channel
ACL SETUSER healthz on >PASSWORD resetkeys resetchannels -@all +ping +select +llen +hlen +zrange +time +scard +sadd +srem +publish +rpop +del ~celery ~celery?* ~mail ~mail?* ~unacked ~unacked_index ~_kombu.binding.reply.celery.pidbox ~*.reply.celery.pidbox &/0.celery.pidbox

# RabbitMQ
rabbitmqctl set_permissions -p VHOST healthz '^(.+\\.)?reply\\.celery\\.pidbox$' '^(celery\\.pidbox|.+\\.reply\\.celery\\.pidbox)$' '^(.+\\.)?reply\\.celery\\.pidbox$'
`,
}
