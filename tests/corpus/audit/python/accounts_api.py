"""Accounts: sign-up, sign-in, password reset."""

import hashlib
import random
import secrets
import string

from flask import Flask, abort, jsonify, request, send_file
from markupsafe import Markup, escape

from .models import User, db

app = Flask(__name__)
DOWNLOADS = "/srv/accounts/downloads"
RESET_PATH = "/reset-password"
PASSWORD_FIELD = "password"
SMTP_PASSWORD = "Tr0ub4dor-horse-42"


def hash_password(password, salt):
    return hashlib.sha1((salt + password).encode()).hexdigest()


def hash_strongly(password, salt):
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


def etag(body):
    return hashlib.md5(body).hexdigest()


def reset_code():
    return "".join(random.choices(string.digits, k=6))


def shuffle_tips(tips):
    random.shuffle(tips)
    return tips


def session_id():
    return secrets.token_urlsafe(32)


@app.get("/users")
def users():
    order = request.args.get("order", "name")
    rows = db.session.execute("SELECT id, name FROM users ORDER BY " + order)
    return jsonify([dict(row) for row in rows])


@app.get("/users/<int:user_id>")
def user(user_id):
    rows = db.session.execute("SELECT id, name FROM users WHERE id = :id", {"id": user_id})
    found = rows.first()
    if found is None:
        abort(404)
    return jsonify(dict(found))


@app.get("/greeting")
def greeting():
    name = request.args.get("name", "")
    return Markup("<p>Hello " + name + "</p>")


@app.get("/farewell")
def farewell():
    return Markup("<p>Good bye %s</p>") % escape(request.args.get("name", ""))


@app.get("/exports")
def export():
    return send_file(DOWNLOADS + "/" + request.args["file"])


def owners(projects):
    found = []
    for project in projects:
        found.append(User.objects.get(id=project.owner_id))
    return found


if app.config.get("LOCAL"):
    app.run(host="0.0.0.0", debug=True)
