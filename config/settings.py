"""All settings. This file alone reads the environment, through typed helpers.

Without any variable set, everything runs embedded on one machine below `CONCORD_HOME`
(default `var/`): SQLite in WAL mode, Celery over kombu's filesystem transport, a secret key made
at the first start. `DATABASE_URL`, `CELERY_BROKER_URL` and `CONCORD_DEPLOYMENT=server` make it a
server; then a missing secret stops the start (config/checks.py).
"""

import secrets
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from csp.constants import NONE, SELF
from django.contrib.messages import constants as message_levels
from django.core.exceptions import ImproperlyConfigured

django_stubs_ext.monkeypatch()

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent
CONCORD_HOME = Path(env.str("CONCORD_HOME", default=str(BASE_DIR / "var"))).resolve()
CONCORD_HOME.mkdir(parents=True, exist_ok=True)

DEPLOYMENT = env.str("CONCORD_DEPLOYMENT", default="embedded")
if DEPLOYMENT not in ("embedded", "server"):
    raise ImproperlyConfigured(
        f"CONCORD_DEPLOYMENT is {DEPLOYMENT!r}; it must be 'embedded' or 'server'"
    )


def embedded_secret_key(path: Path) -> str:
    """The key in `path`, made on the first start and readable by its owner alone."""
    try:
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        key = path.read_text().strip()
        if key:
            return key
    key = secrets.token_urlsafe(48)
    path.write_text(key)
    return key


SECRET_KEY = env.str("CONCORD_SECRET_KEY", default="")
SECRET_KEY_IS_CONFIGURED = bool(SECRET_KEY)
if not SECRET_KEY:
    SECRET_KEY = embedded_secret_key(CONCORD_HOME / "secret_key")

DEBUG = env.bool("CONCORD_DEBUG", default=False)
BIND = env.str("CONCORD_BIND", default="127.0.0.1:8000")
ALLOWED_HOSTS = env.list("CONCORD_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CONCORD_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "jobs",
    "corpus",
    "accounts",
    "serving",
    "constitution",
    "annotation",
    "judging",
    "exports",
    "library",
    "training",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "django_htmx",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.middleware.KnownIds",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database -----------------------------------------------------------------------------------

SQLITE_OPTIONS: dict[str, Any] = {
    # A write transaction takes the lock when it begins, so that it never fails half-way with
    # "database is locked" after having read.
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32000;",
}
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{CONCORD_HOME / 'concord.sqlite3'}")
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
    # A file, so that tests of several threads and processes see one database.
    DATABASES["default"]["TEST"] = {"NAME": str(CONCORD_HOME / "test.sqlite3")}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# An index that covers a query on PostgreSQL is a plain one on SQLite, as it should be.
SILENCED_SYSTEM_CHECKS = ["models.W040"]

# As the looks name it; its other names are those of Django.
MESSAGE_TAGS = {message_levels.ERROR: "danger"}

# --- Accounts -----------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
ACCOUNT_ADAPTER = "accounts.adapter.InvitationOnlyAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
LOGIN_URL = "account_login"
# Invitations go out through this server; without one they are printed on the console.
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
globals().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="concord@localhost")
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
HTTPS_ONLY = env.bool("CONCORD_HTTPS", default=DEPLOYMENT == "server")
SESSION_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_SECURE = HTTPS_ONLY
SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS_ONLY else None
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# No inline script or style, no eval: Vega runs with its AST interpreter.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- API ----------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "accounts.api.errors.exception_handler",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Concord API",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "accounts.api.document.name_refusals",
    ],
    "ENUM_NAME_OVERRIDES": {
        "ChoiceEnum": "annotation.models.Choice",
        "PressedEnum": "annotation.services.labels.ON_SCREEN",
        "JobStateEnum": "jobs.models.JobState",
        "PairPolicyEnum": "corpus.models.PairPolicy",
        "ConstitutionStatusEnum": "constitution.models.versions.ConstitutionVersion.Status",
        "RevisionStatusEnum": "constitution.models.revisions.Revision.Status",
    },
}

# --- Static files -------------------------------------------------------------------------------

NODE_MODULES = BASE_DIR / "node_modules"
STATIC_URL = "static/"
STATIC_ROOT = CONCORD_HOME / "static"
STATIC_ROOT.mkdir(exist_ok=True)
FRONT_END_FOLDERS = {
    "diff": NODE_MODULES / "diff" / "dist",
    "htmx": NODE_MODULES / "htmx.org" / "dist",
    "tabler/css": NODE_MODULES / "@tabler" / "core" / "dist" / "css",
    "tabler/js": NODE_MODULES / "@tabler" / "core" / "dist" / "js",
    "vega": NODE_MODULES / "vega" / "build",
    "vega-lite": NODE_MODULES / "vega-lite" / "build",
    "vega-embed": NODE_MODULES / "vega-embed" / "build",
}
STATICFILES_DIRS = [
    BASE_DIR / "config" / "static",
    *((name, folder) for name, folder in FRONT_END_FOLDERS.items() if folder.is_dir()),
]
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(CONCORD_HOME / "storage")},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

# --- Celery: messages carry ids only, the database is the truth -----------------------------------

BROKER_FOLDER = CONCORD_HOME / "broker"
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="filesystem://")
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {}
if CELERY_BROKER_URL.startswith("filesystem:"):
    for _folder in (BROKER_FOLDER / "messages", BROKER_FOLDER / "control"):
        _folder.mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_FOLDER / "messages"),
        "data_folder_out": str(BROKER_FOLDER / "messages"),
        "control_folder": str(BROKER_FOLDER / "control"),
    }
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE_FILENAME = str(CONCORD_HOME / "celerybeat-schedule")

# --- Limits and places ----------------------------------------------------------------------------

JOB_LEASE_SECONDS = env.float("CONCORD_JOB_LEASE_SECONDS", default=60.0)
JOB_BEAT_SECONDS: float | None = None  # None: a quarter of the lease, at most 2 seconds
JOB_MAX_ATTEMPTS = 3
JOB_RESEND_SECONDS = 30.0
REAP_INTERVAL_SECONDS = env.float("CONCORD_REAP_INTERVAL_SECONDS", default=10.0)
IMPORT_BATCH_PAIRS = 2_000
UPLOAD_MAX_BYTES = env.int("CONCORD_UPLOAD_MAX_BYTES", default=20 * 2**30)
UPLOAD_PART_BYTES = 2 * 2**20
IMPORT_MAX_UNPACKED_BYTES = env.int("CONCORD_IMPORT_MAX_UNPACKED_BYTES", default=64 * 2**30)
MAX_COMMENT_CHARACTERS = 5_000
MAX_EDIT_CHARACTERS = 100_000
JUDGE_PAGE_PAIRS = 256
JUDGE_STORE_VERDICTS = 512
# Prompts that a critique–revise run has on the way at once; a worker that dies loses one wave of
# them.
REVISE_PAGE_PROMPTS = 256
SAMPLE_PAGE_PROMPTS = 256
SAMPLE_STORE_COMPLETIONS = 512

DATASETS_FOLDER = CONCORD_HOME / "datasets"
RUNS_FOLDER = CONCORD_HOME / "runs"
# Threads that one process may use for tensors; on small machines one is the fastest.
COMPUTE_THREADS = env.int("CONCORD_COMPUTE_THREADS", default=1)
# Addresses of inference servers, such as http://gpu1:8000,http://gpu2:8000; those that
# `manage.py serve_model` runs are found by themselves.
GPUS_PER_SERVER = env.int("INFERENCE_GPUS_PER_SERVER", default=1)
INFERENCE_SERVERS = env.list("INFERENCE_SERVERS", default=[])
ENGINE_OPTIONS: dict[str, dict[str, Any]] = {
    "transformers": {"threads": COMPUTE_THREADS, "batch_size": 64},
    "server": {
        "in_flight": env.int("INFERENCE_IN_FLIGHT", default=256),
        "deadline_seconds": env.float("INFERENCE_DEADLINE_SECONDS", default=900.0),
        "api_key": env.str("INFERENCE_API_KEY", default=""),
    },
    "vllm": {
        "tensor_parallel": env.int("VLLM_TENSOR_PARALLEL", default=1),
        "gpu_memory_share": env.float("VLLM_GPU_MEMORY_SHARE", default=0.9),
    },
}
# Where models lie that may be registered from the browser by their folder.
MODELS_FOLDERS = env.list("CONCORD_MODELS_FOLDERS", default=[str(CONCORD_HOME / "models")])
SERVERS_FOLDER = CONCORD_HOME / "servers"
# Answers that need not be asked for again are kept up to this size.
REPLY_CACHE_BYTES = env.int("CONCORD_REPLY_CACHE_MEGABYTES", default=512) * 1_000_000
# The unit of models' prices.
CURRENCY = env.str("CONCORD_CURRENCY", default="USD")

# What made a dataset or model, written into manifests: the release, and the commit where known.
CODE_VERSION = env.str("CONCORD_CODE_VERSION", default="0.1.0")

# --- Language and time ----------------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env.str("CONCORD_LOG_LEVEL", default="WARNING")},
}
