"""Kept agreement figures named all raters' plainly; they are counted anew when next looked at."""

from django.db import migrations


def forget(apps, schema_editor):
    apps.get_model("annotation", "AgreementSnapshot").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("annotation", "0007_names_quality_policies")]

    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
