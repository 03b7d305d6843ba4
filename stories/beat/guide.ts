import type { Guide } from 'healthz'

export const guide: Guide = {
  example: `- story: beat
  with:
    url: redis://redis1:6379/1
    user: healthz
    password: \${BEAT_REDIS_PASSWORD}
    maxInterval: 5m
    beat:
      supervisor: http://host1:9001
      user: healthz
      password: \${SUPERVISOR_PASSWORD}
      program: beat

# The default scheduler, on the host where it runs
- story: beat
  name: plain-beat
  scope: node
  role: scheduler
  with:
    file: /var/lib/celery/celerybeat-schedule
`,
  rights: `# +zrem and +hexists are for the cure of the step ghost alone
ACL SETUSER healthz on >PASSWORD resetkeys resetchannels -@all +ping +select +info +time +zcard +zrangebyscore +hmget +pttl +get +hexists +zrem ~redbeat:*
`,
}
