"""Forms of invitations."""

from __future__ import annotations

from django import forms

from accounts.models import Role


class InvitationForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices, initial=Role.RATER)
    email = forms.EmailField(
        required=False,
        label="E-mail",
        help_text="Leave empty to share the link yourself.",
        error_messages={"invalid": "“%(value)s” is not an e-mail address."},
    )
