"""A mail server that keeps what it takes, and refuses for as long as it is told to.

PORT     where it listens, on 127.0.0.1
FOLDER   each mail it takes becomes a file N.eml here; each DATA command it refuses a line of refused.log. While
         there is a file called refuse here, it answers every mail with what that file says
CERT, KEY    with both: encrypts. TLS from the first byte, or from STARTTLS on where START_TLS is set, and then
             takes nothing without it
USERNAME, PASSWORD   with both: takes nothing from whoever does not sign in so
"""

import os
import signal
import ssl

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

folder = os.environ["FOLDER"]
refuse = os.path.join(folder, "refuse")


class Handler:
    taken = 0

    async def handle_DATA(self, server, session, envelope):
        if os.path.exists(refuse):
            with open(refuse) as file:
                answer = file.read().strip()
            with open(os.path.join(folder, "refused.log"), "a") as file:
                file.write(answer + "\n")
            return answer
        Handler.taken += 1
        name = os.path.join(folder, "%d.eml" % Handler.taken)
        with open(name + ".part", "wb") as file:
            head = "X-From: %s\r\nX-Rcpt: %s\r\n" % (envelope.mail_from, ",".join(envelope.rcpt_tos))
            file.write(head.encode() + envelope.content)
        os.rename(name + ".part", name)
        return "250 2.0.0 taken"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"


options = {}
if "CERT" in os.environ:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(os.environ["CERT"], os.environ["KEY"])
    if "START_TLS" in os.environ:
        options.update(tls_context=context, require_starttls=True)
    else:
        options.update(ssl_context=context)
if "USERNAME" in os.environ:
    known = (os.environ["USERNAME"].encode(), os.environ["PASSWORD"].encode())

    def authenticator(server, session, envelope, mechanism, data):
        return AuthResult(success=(data.login, data.password) == known)

    options.update(auth_required=True, authenticator=authenticator)
    # Of a connection that was encrypted from the first byte, aiosmtpd does not know that it is.
    options.update(auth_require_tls="START_TLS" in os.environ)

controller = Controller(Handler(), hostname="127.0.0.1", port=int(os.environ["PORT"]), **options)
# Threads inherit it: only the one that waits below is to hear of it.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
controller.start()
print("LISTENING", flush=True)
signal.sigwait({signal.SIGTERM, signal.SIGINT})
controller.stop()
