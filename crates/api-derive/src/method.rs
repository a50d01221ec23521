//! `#[derive(Method)]`.

use crate::doc_text;
use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

pub fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let ident = &input.ident;
    let doc = doc_text(&input.attrs, ident)?;
    let Some(attribute) = input
        .attrs
        .iter()
        .find(|attribute| attribute.path().is_ident("method"))
    else {
        return Err(syn::Error::new_spanned(
            ident,
            "needs #[method(name = …, caller = …, access = …)]",
        ));
    };
    let mut name: Option<syn::LitStr> = None;
    let mut caller: Option<syn::Ident> = None;
    let mut access: Option<syn::Ident> = None;
    let mut reply: syn::Type = syn::parse_quote!(::pileus_api::reply::Done);
    let mut fails: Vec<syn::Ident> = Vec::new();
    let mut answers_token = false;
    attribute.parse_nested_meta(|meta| {
        let value = meta.value()?;
        match meta.path.get_ident().map(ToString::to_string).as_deref() {
            Some("name") => name = Some(value.parse()?),
            Some("caller") => caller = Some(value.parse()?),
            Some("access") => access = Some(value.parse()?),
            Some("reply") => reply = value.parse()?,
            Some("answers_token") => answers_token = value.parse::<syn::LitBool>()?.value,
            Some("fails") => {
                let list;
                syn::bracketed!(list in value);
                fails = list
                    .parse_terminated(<syn::Ident as syn::parse::Parse>::parse, syn::Token![,])?
                    .into_iter()
                    .collect();
            }
            _ => {
                return Err(
                    meta.error("expected name, caller, access, reply, answers_token or fails")
                );
            }
        }
        Ok(())
    })?;
    let missing =
        |what: &str| syn::Error::new_spanned(attribute, format!("#[method] needs `{what} = …`"));
    let name = name.ok_or_else(|| missing("name"))?;
    let caller = caller.ok_or_else(|| missing("caller"))?;
    let access = access.ok_or_else(|| missing("access"))?;
    Ok(quote! {
        impl ::pileus_api::method::Method for #ident {
            const SPEC: &'static ::pileus_api::method::Spec = &::pileus_api::method::Spec {
                name: { ::pileus_api::method::check_method_name(#name); #name },
                family: ::pileus_api::method::family(::core::module_path!()),
                doc: #doc,
                caller: ::pileus_api::method::Caller::#caller,
                access: ::pileus_api::method::Access::#access,
                answers_token: #answers_token,
                fails: &[#(::pileus_api::Code::#fails),*],
                params: <Self as ::pileus_api::method::Decode>::describe,
                reply: <#reply as ::pileus_api::Reply>::describe,
            };
            type Access = ::pileus_api::method::access::#access;
            type Reply = #reply;
        }
    })
}
